// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_resolver.hpp"

#include <dlfcn.h>
#include <netdb.h>

#include <map>
#include <mutex>
#include <optional>

namespace headroom::test {

namespace {

struct script {
    std::mutex mutex;
    std::map<std::string, std::vector<std::string>> addresses;
    std::map<std::string, std::size_t> lookups;
};

script& the_script() {
    static script one;
    return one;
}

std::optional<std::vector<std::string>> answer_to(const char* name) {
    if (name == nullptr) return std::nullopt;
    auto& all = the_script();
    const std::lock_guard hold(all.mutex);
    const auto found = all.addresses.find(name);
    if (found == all.addresses.end()) return std::nullopt;
    ++all.lookups[name];
    return found->second;
}

using resolver = int (*)(const char*, const char*, const addrinfo*, addrinfo**);

resolver system_resolver() {
    static const auto found = reinterpret_cast<resolver>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    return found;
}

}  // namespace

void resolve_to(const std::string& name, std::vector<std::string> addresses) {
    auto& all = the_script();
    const std::lock_guard hold(all.mutex);
    all.addresses[name] = std::move(addresses);
}

std::size_t lookups_of(const std::string& name) {
    auto& all = the_script();
    const std::lock_guard hold(all.mutex);
    return all.lookups[name];
}

}  // namespace headroom::test

// Instead of libc's. One list of several answers: libc frees each entry by itself.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints,
                           addrinfo** found) noexcept(false) {
    const auto answer = headroom::test::answer_to(name);
    const auto resolve = headroom::test::system_resolver();
    if (!answer) return resolve(name, service, hints, found);
    addrinfo* first = nullptr;
    addrinfo** last = &first;
    for (const auto& each : *answer) {
        const int failed = resolve(each.c_str(), service, hints, last);
        if (failed != 0) {
            ::freeaddrinfo(first);
            return failed;
        }
        while (*last != nullptr)
            last = &(*last)->ai_next;
    }
    *found = first;
    return first == nullptr ? EAI_NONAME : 0;
}
