// SPDX-License-Identifier: Apache-2.0
// The only file that reads this process's environment.
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>

#include <fmt/format.h>

#include "config/gateway_document.hpp"
#include "config/load.hpp"

namespace headroom::config {
namespace {

environment process_environment() {
    environment variables;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const std::size_t equals = text.find('=');
        if (equals == std::string_view::npos) continue;
        // Of a name given twice the first counts, as for getenv(3).
        variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return variables;
}

std::string host_name() {
    std::array<char, 256> buffer{};  // HOST_NAME_MAX is 64 on Linux
    if (::gethostname(buffer.data(), buffer.size() - 1) != 0) return {};
    return buffer.data();
}

// One byte more than may be read tells the reader of the document that it is too long.
result<std::string> read_small_file(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
        return failure(std::error_code(errno, std::generic_category()));
    }
    if (!S_ISREG(status.st_mode))
        return failure(std::make_error_code(std::errc::invalid_argument), "no regular file");
    std::ifstream file(path, std::ios::binary);
    if (!file) return failure(std::error_code(errno, std::generic_category()));
    std::string text(gateway_document_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) return failure(std::make_error_code(std::errc::io_error));
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

}  // namespace

sources process_sources() {
    return {
        .variables = process_environment(), .host_name = host_name(), .read_file = read_small_file};
}

}  // namespace headroom::config
