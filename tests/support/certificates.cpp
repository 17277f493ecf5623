// SPDX-License-Identifier: Apache-2.0
#include "support/certificates.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace headroom::test {

namespace {

std::string content_of(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

constexpr const char* new_key = " -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

// For `openssl ca`, which is the one that dates a certificate into the past.
std::string ca_settings(const std::string& folder) {
    return "[ca]\ndefault_ca=own\n[own]\ndatabase=" + folder + "/index\nserial=" + folder +
           "/serial\nnew_certs_dir=" + folder +
           "\ndefault_md=sha256\npolicy=any\nunique_subject=no\n[any]\ncommonName=supplied\n";
}

}  // namespace

certificate_authority::certificate_authority() {
    auto pattern = (std::filesystem::temp_directory_path() / "hr-tls-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    folder_ = pattern;
    root_file_ = at("root.pem");
    std::ofstream(at("ca.conf")) << ca_settings(folder_);
    std::ofstream(at("index")) << "";
    std::ofstream(at("serial")) << "1000\n";
    std::ofstream(at("authority.ext")) << "basicConstraints=critical,CA:TRUE\n"
                                          "keyUsage=critical,keyCertSign,cRLSign\n";
    run(std::string("req -x509 -days 3 -subj '/CN=headroom test root'") + new_key + " -keyout " +
        at("root.key") + " -out " + root_file_);
    request("between");
    run("x509 -req -days 3 -in " + at("between.csr") + " -CA " + root_file_ + " -CAkey " +
        at("root.key") + " -CAcreateserial -extfile " + at("authority.ext") + " -out " +
        at("between.pem"));
}

certificate_authority::~certificate_authority() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void certificate_authority::run(const std::string& arguments) const {
    const auto said = at("openssl.log");
    const auto line = "openssl " + arguments + " >" + said + " 2>&1 </dev/null";
    if (std::system(line.c_str()) == 0) return;  // NOLINT(concurrency-mt-unsafe)
    throw std::runtime_error("openssl " + arguments + ": " + content_of(said));
}

void certificate_authority::request(const std::string& word) const {
    run("req -new -subj '/CN=headroom " + word + "'" + new_key + " -keyout " + at(word + ".key") +
        " -out " + at(word + ".csr"));
}

certificate certificate_authority::sign(const std::string& word, const std::string& names,
                                        const std::string& validity) const {
    request(word);
    std::ofstream(at(word + ".ext"))
        << "basicConstraints=CA:FALSE\nsubjectAltName=" << names << "\n";
    run("ca -batch -notext -config " + at("ca.conf") + validity + " -in " + at(word + ".csr") +
        " -cert " + at("between.pem") + " -keyfile " + at("between.key") + " -extfile " +
        at(word + ".ext") + " -out " + at(word + ".leaf"));
    std::ofstream(at(word + ".pem"))
        << content_of(at(word + ".leaf")) << content_of(at("between.pem"));
    return {.file = at(word + ".pem"), .key_file = at(word + ".key")};
}

certificate certificate_authority::issue(const std::string& word, const std::string& names) const {
    return sign(word, names, " -days 2");
}

certificate certificate_authority::issue_expired(const std::string& word,
                                                 const std::string& names) const {
    return sign(word, names, " -startdate 20200101000000Z -enddate 20200201000000Z");
}

certificate certificate_authority::self_signed(const std::string& word,
                                               const std::string& names) const {
    run("req -x509 -days 2 -subj '/CN=headroom " + word + "' -addext 'subjectAltName=" + names +
        "'" + new_key + " -keyout " + at(word + ".key") + " -out " + at(word + ".pem"));
    return {.file = at(word + ".pem"), .key_file = at(word + ".key")};
}

}  // namespace headroom::test
