// SPDX-License-Identifier: Apache-2.0
#include "net/tls_session.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

#include "base/text.hpp"
#include "net/net_error.hpp"

namespace headroom::net {

namespace {

constexpr std::size_t name_bytes_shown = 100;
constexpr int names_shown = 4;

template <auto Free>
struct free_by {
    template <class T>
    void operator()(T* what) const {
        Free(what);
    }
};
using owned_time_text = std::unique_ptr<BIO, free_by<BIO_free>>;
using owned_names = std::unique_ptr<GENERAL_NAMES, free_by<GENERAL_NAMES_free>>;

std::string text_of(const ASN1_TIME* when) {
    const owned_time_text into(BIO_new(BIO_s_mem()));
    if (!into || when == nullptr || ASN1_TIME_print(into.get(), when) != 1) return "?";
    char* text = nullptr;
    const long size = BIO_get_mem_data(into.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

std::string text_of(const X509_NAME* name) {
    const owned_time_text into(BIO_new(BIO_s_mem()));
    if (!into || name == nullptr || X509_NAME_print_ex(into.get(), name, 0, XN_FLAG_RFC2253) < 0)
        return "?";
    char* text = nullptr;
    const long size = BIO_get_mem_data(into.get(), &text);
    return printable_excerpt({text, static_cast<std::size_t>(size)}, name_bytes_shown);
}

// "cache.example, 10.0.0.5": what a certificate is for.
std::string names_of(X509* certificate) {
    const owned_names all(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    if (!all) return text_of(X509_get_subject_name(certificate));
    std::string text;
    const int count = sk_GENERAL_NAME_num(all.get());
    for (int i = 0; i < std::min(count, names_shown); ++i) {
        const auto* each = sk_GENERAL_NAME_value(all.get(), i);
        if (each->type != GEN_DNS && each->type != GEN_IPADD) continue;
        const auto* bytes = each->type == GEN_DNS ? each->d.dNSName : each->d.iPAddress;
        const std::string_view raw(reinterpret_cast<const char*>(ASN1_STRING_get0_data(bytes)),
                                   static_cast<std::size_t>(ASN1_STRING_length(bytes)));
        if (!text.empty()) text += ", ";
        if (each->type == GEN_DNS) {
            text += printable_excerpt(raw, name_bytes_shown);
        } else if (raw.size() == 4) {
            for (std::size_t at = 0; at < raw.size(); ++at)
                text += (at == 0 ? "" : ".") + std::to_string(static_cast<unsigned char>(raw[at]));
        } else {
            text += "an IPv6 address";
        }
    }
    if (count > names_shown) text += ", ...";
    return text.empty() ? "nothing" : text;
}

// What the other side's alerts, and what is no TLS, mean for whoever set this up. Empty: OpenSSL's
// own words must do.
std::string_view meaning_of(unsigned long code) {
    if (ERR_GET_LIB(code) != ERR_LIB_SSL) return {};
    switch (ERR_GET_REASON(code)) {
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_HTTP_REQUEST:
        case SSL_R_PACKET_LENGTH_TOO_LONG:
            return "the server speaks no TLS on this port";
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
            return "the server refuses us: it asks for a client certificate, or no cipher suits "
                   "both";
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
            return "the server does not know the authority of our client certificate";
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
            return "the server refuses our client certificate: it has expired";
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
            return "the server refuses our client certificate";
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        case SSL_R_UNSUPPORTED_PROTOCOL:
            return "the server speaks no TLS of version 1.2 or newer";
        case SSL_R_TLSV1_UNRECOGNIZED_NAME:
            return "the server knows no host of the name asked for";
        default:
            return {};
    }
}

bool is_address(const std::string& name) {
    ASN1_OCTET_STRING* const bytes = a2i_IPADDRESS(name.c_str());
    const bool is_one = bytes != nullptr;
    ASN1_OCTET_STRING_free(bytes);
    ERR_clear_error();
    return is_one;
}

}  // namespace

void tls_session::free_session::operator()(ssl_st* session) const {
    SSL_free(session);
}

tls_session::tls_session(ssl_ctx_st* context, std::string name, bool verifies_peer)
    : name_(std::move(name)), session_(SSL_new(context)) {
    BIO* const in = BIO_new(BIO_s_mem());
    BIO* const out = BIO_new(BIO_s_mem());
    bool is_made = session_ && in != nullptr && out != nullptr;
    if (session_) {
        SSL_set_bio(session_.get(), in, out);  // which owns them from here on
    } else {
        BIO_free(in);
        BIO_free(out);
    }
    if (is_made) {
        BIO_set_mem_eof_return(in, -1);  // empty means "not yet", not "the end"
        SSL_set_connect_state(session_.get());
        SSL_set_app_data(session_.get(), this);
        SSL_set_verify(session_.get(), verifies_peer ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                       verifies_peer ? &tls_session::on_verified : nullptr);
        if (is_address(name_)) {
            is_made =
                X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session_.get()), name_.c_str()) == 1;
        } else {
            SSL_set_hostflags(session_.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
            is_made = SSL_set_tlsext_host_name(session_.get(), name_.c_str()) == 1 &&
                      SSL_set1_host(session_.get(), name_.c_str()) == 1;
        }
    }
    ERR_clear_error();
    if (!is_made) throw std::bad_alloc();
}

tls_session::~tls_session() = default;

void tls_session::feed(std::string_view ciphertext) {
    while (!ciphertext.empty()) {
        const auto slice = std::min<std::size_t>(ciphertext.size(), 1 << 30);
        const int taken =
            BIO_write(SSL_get_rbio(session_.get()), ciphertext.data(), static_cast<int>(slice));
        if (taken <= 0) throw std::bad_alloc();  // a memory BIO refuses for nothing else
        ciphertext.remove_prefix(static_cast<std::size_t>(taken));
        has_unread_ = true;
    }
}

result<bool> tls_session::advance() {
    ERR_clear_error();
    const int done = SSL_do_handshake(session_.get());
    const int code = SSL_get_error(session_.get(), done);
    collect_output();
    if (done == 1) {
        is_established_ = true;
        return true;
    }
    if (code == SSL_ERROR_WANT_READ) return false;
    return std::unexpected(explain(code));
}

result<std::size_t> tls_session::read(std::span<char> into) {
    if (has_ended_) return std::size_t{0};
    ERR_clear_error();
    std::size_t got = 0;
    const int done = SSL_read_ex(session_.get(), into.data(), into.size(), &got);
    const int code = SSL_get_error(session_.get(), done);
    collect_output();  // an answer to a key update, or an alert
    if (done == 1) return got;
    has_unread_ = false;
    if (code == SSL_ERROR_WANT_READ) return std::size_t{0};
    if (code == SSL_ERROR_ZERO_RETURN) {
        has_ended_ = true;
        return std::size_t{0};
    }
    return std::unexpected(explain(code));
}

result<void> tls_session::write(std::string_view plaintext) {
    if (plaintext.empty()) return {};
    ERR_clear_error();
    std::size_t taken = 0;
    const int done = SSL_write_ex(session_.get(), plaintext.data(), plaintext.size(), &taken);
    const int code = SSL_get_error(session_.get(), done);
    collect_output();
    if (done == 1) return {};  // a memory BIO takes all
    return std::unexpected(explain(code));
}

void tls_session::close() {
    if (!is_established_) return;
    ERR_clear_error();
    (void)SSL_shutdown(session_.get());
    ERR_clear_error();
    collect_output();
}

void tls_session::collect_output() {
    BIO* const from = SSL_get_wbio(session_.get());
    const auto waiting = BIO_ctrl_pending(from);
    if (waiting == 0) return;
    const auto before = out_.size();
    out_.resize_and_overwrite(before + waiting, [&](char* at, std::size_t) {
        std::size_t got = 0;
        (void)BIO_read_ex(from, at + before, waiting, &got);
        return before + got;
    });
}

void tls_session::on_sent(std::size_t bytes) {
    out_at_ += bytes;
    if (out_at_ < out_.size()) return;
    out_.clear();
    out_at_ = 0;
}

error tls_session::end_of_stream() const {
    if (!is_established_) {
        return {net_errc::connect_failed,
                "the server closed the connection during the TLS handshake: it is full, or speaks "
                "no TLS on this port"};
    }
    if (has_ended_) return {net_errc::connect_failed, "the server closed the connection"};
    return {net_errc::connect_failed,
            "the connection was cut: it ended without the end of its TLS session"};
}

error tls_session::explain(int code) {
    const auto last = ERR_peek_last_error();
    std::string text;
    if (!refusal_.empty()) {
        text = refusal_;
    } else if (const auto meaning = meaning_of(last); !meaning.empty()) {
        text = meaning;
    } else if (const auto* reason = ERR_reason_error_string(last); reason != nullptr) {
        text = std::string("TLS: ") + reason;
    } else {
        text = "TLS failed with OpenSSL's code " + std::to_string(code);
    }
    ERR_clear_error();
    return {net_errc::tls_failed, std::move(text)};
}

int tls_session::on_verified(int is_right, x509_store_ctx_st* of) {
    if (is_right == 1) return 1;
    const auto* const session =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(of, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto& self = *static_cast<tls_session*>(SSL_get_app_data(session));
    self.refusal_ = self.explain_certificate(of);
    return 0;
}

std::string tls_session::explain_certificate(x509_store_ctx_st* of) const {
    const int verdict = X509_STORE_CTX_get_error(of);
    X509* const leaf = X509_STORE_CTX_get0_cert(of);
    X509* const current = X509_STORE_CTX_get_current_cert(of);
    X509* const at = current == nullptr ? leaf : current;
    std::string which = "the server's certificate";
    if (at != leaf) which += "'s authority " + text_of(X509_get_subject_name(at));
    switch (verdict) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return which + " has expired: its time ended " + text_of(X509_get0_notAfter(at));
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return which + " is not valid before " + text_of(X509_get0_notBefore(at)) +
                   ": is this host's clock right?";
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return which + " is not for " + printable_excerpt(name_) + ": it is for " +
                   names_of(leaf);
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            return which + " is self-signed, and not among those that are trusted";
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return "the authority of the server's certificate is not trusted (" +
                   text_of(X509_get_issuer_name(at)) + "): name its CA file";
        default:
            return which + " is not accepted: " + X509_verify_cert_error_string(verdict);
    }
}

}  // namespace headroom::net
