// SPDX-License-Identifier: Apache-2.0
#include "chat/bundles/bundle_services.hpp"

namespace headroom::chat {

namespace {
std::string label_of(std::string_view bundle_name) {
    return "bundle:" + std::string(bundle_name);
}
}  // namespace

bundle_services::bundle_services(const worker_services& of, std::string_view bundle_name)
    : async(of.async),
      async_decode(of.async_decode),
      pg(of.pg),
      threads(of.threads),
      executors(of.executors),
      sync_(of.sync),
      async_owner_(of.async.owner(label_of(bundle_name))),
      decode_owner_(of.async_decode.owner(label_of(bundle_name))),
      sync_owner_(of.sync.owner(label_of(bundle_name))),
      pg_owner_(of.pg.owner(label_of(bundle_name))) {}

}  // namespace headroom::chat
