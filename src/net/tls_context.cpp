// SPDX-License-Identifier: Apache-2.0
#include "net/tls_context.hpp"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509err.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "net/net_error.hpp"
#include "net/tls_session.hpp"

namespace headroom::net {

namespace {

std::unexpected<error> refused(std::string why) {
    ERR_clear_error();
    return failure(net_errc::tls_failed, std::move(why));
}

// Said first, because OpenSSL's own words for a file that cannot be opened are "system library".
result<void> check_readable(std::string_view what, const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat found{};
    const bool is_file = fd >= 0 && ::fstat(fd, &found) == 0 && S_ISREG(found.st_mode);
    const int number = errno;
    if (fd >= 0) ::close(fd);
    if (is_file) return {};
    return refused(std::string(what) + " " + path + " cannot be read: " +
                   (fd >= 0 ? "it is no file" : std::generic_category().message(number)));
}

// Nobody is there to type it, and OpenSSL's own would ask on the terminal.
int no_passphrase(char* /*into*/, int /*size*/, int /*is_writing*/, void* was_asked) {
    *static_cast<bool*>(was_asked) = true;
    return -1;
}

bool last_error_is(int library, int reason) {
    const auto code = ERR_peek_last_error();
    return ERR_GET_LIB(code) == library && ERR_GET_REASON(code) == reason;
}

}  // namespace

void tls_context::free_context::operator()(ssl_ctx_st* context) const {
    SSL_CTX_free(context);
}

tls_context::tls_context(tls_options options)
    : options_(std::move(options)), context_(SSL_CTX_new(TLS_client_method())) {}

tls_context::~tls_context() = default;

result<std::shared_ptr<tls_context>> tls_context::create(const tls_options& options) {
    ERR_clear_error();
    std::shared_ptr<tls_context> made(new tls_context(options));
    if (!made->context_) return refused("OpenSSL gives no context: it is out of memory");
    auto* const context = made->context_.get();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    // An idle session gives its record buffers back, 34 KiB.
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    for (const auto* path : {&options.ca_file, &options.certificate_file, &options.key_file}) {
        if (!path->empty()) made->stamps_.push_back(stamp_of(*path));
    }
    if (auto loaded = made->load_authorities(); !loaded) return std::unexpected(loaded.error());
    if (auto loaded = made->load_certificate(); !loaded) return std::unexpected(loaded.error());
    return made;
}

result<void> tls_context::load_authorities() {
    const auto& path = options_.ca_file;
    if (path.empty()) {
        if (!options_.verifies_peer) return {};
        if (SSL_CTX_set_default_verify_paths(context_.get()) == 1) return {};
        return refused("the system's certificate authorities cannot be read: name a CA file");
    }
    if (auto readable = check_readable("the CA file", path); !readable) return readable;
    if (SSL_CTX_load_verify_file(context_.get(), path.c_str()) == 1) return {};
    return refused("the CA file " + path + " holds no certificate in PEM");
}

result<void> tls_context::load_certificate() {
    const auto& certificate = options_.certificate_file;
    const auto& key = options_.key_file;
    if (certificate.empty() && key.empty()) return {};
    if (certificate.empty() || key.empty()) {
        return refused("a client certificate and its key go together, but only the " +
                       std::string(certificate.empty() ? "key" : "certificate") + " is named");
    }
    if (auto readable = check_readable("the client certificate", certificate); !readable)
        return readable;
    if (auto readable = check_readable("the key", key); !readable) return readable;
    if (SSL_CTX_use_certificate_chain_file(context_.get(), certificate.c_str()) != 1) {
        return refused("the client certificate " + certificate + " is no certificate in PEM");
    }
    bool is_encrypted = false;
    SSL_CTX_set_default_passwd_cb(context_.get(), no_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(context_.get(), &is_encrypted);
    const bool is_used =
        SSL_CTX_use_PrivateKey_file(context_.get(), key.c_str(), SSL_FILETYPE_PEM) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(context_.get(), nullptr);
    SSL_CTX_set_default_passwd_cb(context_.get(), nullptr);
    if (is_used && SSL_CTX_check_private_key(context_.get()) == 1) return {};
    if (last_error_is(ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH) ||
        last_error_is(ERR_LIB_X509, X509_R_KEY_TYPE_MISMATCH)) {
        return refused("the key " + key + " does not belong to the certificate " + certificate);
    }
    if (is_encrypted) {
        return refused("the key " + key + " is encrypted: store it without a passphrase");
    }
    return refused("the key " + key + " is no private key in PEM");
}

result<std::unique_ptr<tls_session>> tls_context::start(const std::string& host) const {
    auto name = options_.server_name.empty() ? host : options_.server_name;
    if (name.ends_with('.')) name.pop_back();  // the root of DNS stands in no certificate
    if (name.empty()) return refused("the server has no name to look for in its certificate");
    return std::make_unique<tls_session>(context_.get(), std::move(name), options_.verifies_peer);
}

tls_context::file_stamp tls_context::stamp_of(const std::string& path) {
    file_stamp stamp{.path = path};
    struct stat found{};
    if (::stat(path.c_str(), &found) != 0) return stamp;
    stamp.changed_ns = found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec;
    stamp.inode = found.st_ino;
    stamp.size = found.st_size;
    return stamp;
}

bool tls_context::is_stale() const {
    return std::ranges::any_of(stamps_,
                               [](const file_stamp& each) { return stamp_of(each.path) != each; });
}

}  // namespace headroom::net
