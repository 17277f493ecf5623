// SPDX-License-Identifier: Apache-2.0
#include "inspect/service_status.hpp"

#include <algorithm>
#include <memory>

#include <curl/curl.h>
#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/text.hpp"

namespace headroom::inspect {
namespace {

namespace json = boost::json;

constexpr std::size_t answer_bytes_max = 16 * 1024 * 1024;  // 512 workers say 100 KB

std::string text_at(const json::object& in, std::string_view key) {
    const auto* found = in.if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

std::optional<std::uint64_t> number_at(const json::object& in, std::string_view key) {
    const auto* found = in.if_contains(key);
    if (found == nullptr) return std::nullopt;
    boost::system::error_code unfit;
    const auto number = found->to_number<std::uint64_t>(unfit);
    if (unfit) return std::nullopt;
    return number;
}

const json::array* array_at(const json::object& in, std::string_view key) {
    const auto* found = in.if_contains(key);
    return found != nullptr ? found->if_array() : nullptr;
}

reported_pool read_pool(const json::object& from) {
    return {.kind = text_at(from, "kind"),
            .cap = number_at(from, "cap"),
            .size = number_at(from, "size").value_or(0),
            .leased = number_at(from, "leased").value_or(0),
            .waiting = number_at(from, "waiting").value_or(0)};
}

std::optional<reported_executors> read_executors(const json::object& worker) {
    const auto* found = worker.if_contains("executors");
    if (found == nullptr || !found->is_object()) return std::nullopt;
    const auto& from = found->get_object();
    return reported_executors{.max = number_at(from, "max").value_or(0),
                              .running = number_at(from, "running").value_or(0),
                              .waiting = number_at(from, "waiting").value_or(0)};
}

reported_worker read_worker(const json::object& from) {
    reported_worker worker;
    worker.pid = static_cast<std::int64_t>(number_at(from, "pid").value_or(0));
    worker.state = text_at(from, "state");
    const auto* ready = from.if_contains("ready");
    worker.is_ready = ready != nullptr && ready->is_bool() && ready->get_bool();
    worker.age_ms = number_at(from, "age_ms");
    if (const auto* pools = array_at(from, "pools")) {
        for (const auto& one : *pools)
            if (one.is_object()) worker.pools.push_back(read_pool(one.get_object()));
    }
    worker.executors = read_executors(from);
    return worker;
}

struct curl_end {
    void operator()(CURL* one) const { curl_easy_cleanup(one); }
};

extern "C" std::size_t take_answer(char* bytes, std::size_t one, std::size_t count, void* to) {
    auto& text = *static_cast<std::string*>(to);
    if (text.size() + count > answer_bytes_max) return 0;  // curl ends with an error
    text.append(bytes, one * count);
    return one * count;
}

}  // namespace

const reported_pool* reported_worker::pool(std::string_view kind) const {
    const auto found = std::ranges::find(pools, kind, &reported_pool::kind);
    return found != pools.end() ? &*found : nullptr;
}

result<service_status> parse_service_status(std::string_view text) {
    const auto unfit = [](std::string why) {
        return failure(std::make_error_code(std::errc::bad_message), std::move(why));
    };
    boost::system::error_code malformed;
    const json::value parsed = json::parse(text, malformed);
    if (malformed || !parsed.is_object()) return unfit("its answer is no JSON object");
    const auto& root = parsed.get_object();
    const auto* workers = array_at(root, "workers");
    service_status status{.service = text_at(root, "service"),
                          .instance = text_at(root, "instance"),
                          .version = text_at(root, "version"),
                          .workers = {}};
    if (workers == nullptr || status.service.empty() || status.instance.empty()) {
        return unfit("its answer has no service, instance or workers: no chatd?");
    }
    for (const auto& one : *workers)
        if (one.is_object()) status.workers.push_back(read_worker(one.get_object()));
    return status;
}

result<service_status> ask_service(const std::string& admin_url, deadline by) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(by - clock::now()).count();
    const std::unique_ptr<CURL, curl_end> easy(left > 0 ? curl_easy_init() : nullptr);
    const auto failed = [&](std::string_view why) {
        return failure(std::make_error_code(std::errc::host_unreachable),
                       fmt::format("{}: {}", printable_excerpt(mask_url(admin_url)), why));
    };
    if (!easy) return failed("no time is left");
    const std::string url = admin_url + "/monitoring/system";
    std::string answer;
    curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(easy.get(), CURLOPT_PROXY, "");
    curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy.get(), CURLOPT_QUICK_EXIT, 1L);  // waits for no look-up that hangs
    curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(left));
    curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &answer);
    const auto outcome = curl_easy_perform(easy.get());
    if (outcome != CURLE_OK) return failed(curl_easy_strerror(outcome));
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) return failed(fmt::format("HTTP status {}", status));
    auto parsed = parse_service_status(answer);
    if (!parsed) return failed(parsed.error().detail);
    return parsed;
}

}  // namespace headroom::inspect
