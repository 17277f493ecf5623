// SPDX-License-Identifier: Apache-2.0
#include "chat/worker/worker.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>

#include "chat/log.hpp"
#include "chat/worker/lifespan.hpp"
#include "net/event.hpp"
#include "net/loop_thread.hpp"

namespace headroom::chat {

namespace asio = boost::asio;

int worker_main(config::settings settings, config::worker_slot slot, bundle_registry bundles,
                config::environment variables) {
    const log out("worker");
    std::signal(SIGPIPE, SIG_IGN);
    asio::io_context loop{1};
    net::event stop(loop.get_executor());

    // The first signal stops in order, the second ends at once.
    asio::signal_set signals(loop, SIGTERM, SIGINT);
    signals.async_wait([stop, &signals](boost::system::error_code ec, int) mutable {
        if (ec) return;
        stop.set();
        signals.async_wait([](boost::system::error_code again, int number) {
            if (!again) std::_Exit(128 + number);
        });
    });

    int code = 1;
    asio::co_spawn(
        loop,
        live(loop.get_executor(),
             {std::move(settings), slot, std::move(bundles), std::move(variables)}, stop, out),
        [&code, &loop, &out](std::exception_ptr thrown, int ended) {
            code = thrown ? 1 : ended;
            if (thrown) {
                try {
                    std::rethrow_exception(thrown);
                } catch (const std::exception& caught) {
                    out.error("the worker ended with an exception", {{"what", caught.what()}});
                }
            }
            loop.stop();
        });
    const net::loop_thread on_this_thread;
    loop.run();
    return code;
}

}  // namespace headroom::chat
