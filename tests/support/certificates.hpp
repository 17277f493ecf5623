// SPDX-License-Identifier: Apache-2.0
// Certificates of one test's own, made by openssl(1): a root, an intermediate, and what it signs.
#pragma once

#include <string>

namespace headroom::test {

struct certificate {
    std::string file;  // PEM: itself, then the intermediate
    std::string key_file;
};

class certificate_authority {
public:
    // Throws when openssl(1) fails, with what it said.
    certificate_authority();
    ~certificate_authority();
    certificate_authority(const certificate_authority&) = delete;
    certificate_authority& operator=(const certificate_authority&) = delete;

    // `names`: "DNS:cache.example,IP:127.0.0.1". `word` names its files.
    [[nodiscard]] certificate issue(const std::string& word, const std::string& names) const;
    [[nodiscard]] certificate issue_expired(const std::string& word,
                                            const std::string& names) const;
    [[nodiscard]] certificate self_signed(const std::string& word, const std::string& names) const;
    [[nodiscard]] const std::string& root_file() const { return root_file_; }
    [[nodiscard]] const std::string& folder() const { return folder_; }

private:
    [[nodiscard]] std::string at(const std::string& name) const { return folder_ + "/" + name; }
    void run(const std::string& arguments) const;
    void request(const std::string& word) const;
    [[nodiscard]] certificate sign(const std::string& word, const std::string& names,
                                   const std::string& validity) const;

    std::string folder_;
    std::string root_file_;
};

}  // namespace headroom::test
