// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/piped_child.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <csignal>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "chat/core/line_frames.hpp"
#include "net/deadline.hpp"
#include "net/event.hpp"
#include "net/task_group.hpp"

namespace headroom::chat {
namespace {

namespace asio = boost::asio;

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t error_tail_bytes_max = 4096;
// Somebody it left behind may hold its output or error open: what it wrote itself is there at once.
constexpr auto leftover_patience = std::chrono::milliseconds(500);

// One end of a pipe until somebody else owns it.
class pipe_end {
public:
    pipe_end() = default;
    explicit pipe_end(int descriptor) : descriptor_(descriptor) {}
    pipe_end(pipe_end&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    pipe_end& operator=(pipe_end&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~pipe_end() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    [[nodiscard]] int get() const { return descriptor_; }
    [[nodiscard]] int release() { return std::exchange(descriptor_, -1); }

private:
    int descriptor_ = -1;
};

struct pipe_pair {
    pipe_end read;
    pipe_end write;
};

result<pipe_pair> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return failure(std::error_code(errno, std::generic_category()),
                       "no pipe could be made for an executor");
    return pipe_pair{.read = pipe_end(ends[0]), .write = pipe_end(ends[1])};
}

}  // namespace

// Event loop only.
struct piped_child::state : std::enable_shared_from_this<piped_child::state> {
    state(const asio::any_io_executor& loop, std::size_t line_bytes_max)
        : input(loop),
          output(loop),
          errors(loop),
          errors_read(loop),
          tasks(loop),
          lines(line_bytes_max) {
        tasks.let_go();
    }

    asio::awaitable<void> read_errors();
    asio::awaitable<void> watch();
    void close_all();
    void kill() const;

    asio::posix::stream_descriptor input;
    asio::posix::stream_descriptor output;
    asio::posix::stream_descriptor errors;
    std::shared_ptr<child_process> process;
    net::event errors_read;
    net::task_group tasks;
    line_frames lines;
    std::string tail;
    bool output_ended = false;
};

asio::awaitable<void> piped_child::state::read_errors() {
    const auto self = shared_from_this();
    std::array<char, 4096> piece{};
    for (;;) {
        const auto [ec, size] = co_await errors.async_read_some(asio::buffer(piece), quietly);
        if (ec) break;
        tail.append(piece.data(), size);
        if (tail.size() > error_tail_bytes_max) tail.erase(0, tail.size() - error_tail_bytes_max);
    }
    errors_read.set();
}

// Nobody it left behind in its group stays, and its output and error end with it, whoever else
// holds them open.
asio::awaitable<void> piped_child::state::watch() {
    const auto self = shared_from_this();
    const bool ended = co_await process->wait(deadline::max());
    if (!ended) co_return;
    // Its number cannot be another's while anybody is left in the group, and was freed only now.
    (void)::kill(-process->mark().pid, SIGKILL);
    const bool read = co_await errors_read.wait(clock::now() + leftover_patience);
    boost::system::error_code ignored;
    if (!read) errors.close(ignored);
    output_ended = true;
    output.cancel(ignored);
}

void piped_child::state::close_all() {
    boost::system::error_code ignored;
    input.close(ignored);
    output.close(ignored);
    errors.close(ignored);
}

void piped_child::state::kill() const {
    if (process->status()) return;
    // Its group first: it is the leader, and while it is not waited for, the number is its own.
    (void)::kill(-process->mark().pid, SIGKILL);
    process->send_signal(SIGKILL);
}

piped_child::piped_child(std::shared_ptr<state> made) : state_(std::move(made)) {}

piped_child::~piped_child() {
    state_->kill();
    state_->close_all();
    state_->tasks.request_stop();
}

result<std::unique_ptr<piped_child>> piped_child::start(asio::any_io_executor loop,
                                                        child_reaper& reaper, piped_program what) {
    auto input = make_pipe();
    if (!input) return std::unexpected(input.error());
    auto output = make_pipe();
    if (!output) return std::unexpected(output.error());
    auto errors = make_pipe();
    if (!errors) return std::unexpected(errors.error());

    auto process = reaper.start({.program = std::move(what.program),
                                 .arguments = std::move(what.arguments),
                                 .environment = std::move(what.environment),
                                 .working_folder = "/",
                                 .user = {},
                                 .input_descriptor = input->read.get(),
                                 .output_descriptor = output->write.get(),
                                 .error_descriptor = errors->write.get(),
                                 .kept_descriptors = {},
                                 .death_signal = SIGKILL});
    if (!process) return std::unexpected(process.error());

    auto made = std::make_shared<state>(loop, what.line_bytes_max);
    made->input.assign(input->write.release());
    made->output.assign(output->read.release());
    made->errors.assign(errors->read.release());
    made->process = std::move(*process);
    made->tasks.spawn("standard error of a child", made->read_errors());
    made->tasks.spawn("end of a child", made->watch());
    return std::unique_ptr<piped_child>(new piped_child(std::move(made)));
}

asio::awaitable<result<void>> piped_child::send_line(std::string line, deadline by) {
    const auto held = state_;
    if (!held->input.is_open())
        co_return failure(std::make_error_code(std::errc::broken_pipe), "its input is closed");
    line += '\n';
    const net::deadline_guard guard(held->input.get_executor(), by, [held] {
        boost::system::error_code ignored;
        held->input.cancel(ignored);
    });
    const auto [ec, size] = co_await asio::async_write(held->input, asio::buffer(line), quietly);
    if (!ec) co_return result<void>();
    if (guard.has_expired())
        co_return failure(std::make_error_code(std::errc::timed_out),
                          "it did not take its input in time");
    if (ec == asio::error::operation_aborted)
        co_return failure(std::make_error_code(std::errc::operation_canceled));
    co_return failure(std::make_error_code(std::errc::broken_pipe),
                      fmt::format("it takes no input: {}", ec.message()));
}

asio::awaitable<result<std::optional<std::string>>> piped_child::next_line(deadline by) {
    const auto held = state_;
    std::array<char, 16384> piece{};
    for (;;) {
        if (auto line = held->lines.next()) co_return std::move(line);
        if (held->lines.is_overlong())
            co_return failure(std::make_error_code(std::errc::message_size),
                              "it wrote a line that is too long");
        std::size_t size = 0;
        boost::system::error_code ec;
        bool expired = false;
        {
            const net::deadline_guard guard(held->output.get_executor(), by, [held] {
                boost::system::error_code ignored;
                held->output.cancel(ignored);
            });
            // After its end what is in the pipe still counts, but nobody is waited for.
            if (held->output_ended) {
                held->output.non_blocking(true, ec);
                if (!ec) size = held->output.read_some(asio::buffer(piece), ec);
                if (ec == asio::error::would_block) ec = asio::error::eof;
            } else {
                std::tie(ec, size) =
                    co_await held->output.async_read_some(asio::buffer(piece), quietly);
                expired = guard.has_expired();
            }
        }
        if (!ec) {
            held->lines.push({piece.data(), size});
            continue;
        }
        if (ec != asio::error::operation_aborted) co_return std::optional<std::string>();
        if (held->output_ended) continue;
        if (expired)
            co_return failure(std::make_error_code(std::errc::timed_out), "it wrote nothing");
        co_return failure(std::make_error_code(std::errc::operation_canceled));
    }
}

void piped_child::close_input() {
    boost::system::error_code ignored;
    state_->input.close(ignored);
}

asio::awaitable<bool> piped_child::wait(deadline by) {
    const auto held = state_;
    const bool ended = co_await held->process->wait(by);
    if (!ended) co_return false;
    // watch() closes it when somebody else holds it open.
    co_return co_await held->errors_read.wait(std::max(by, clock::now() + 2 * leftover_patience));
}

void piped_child::kill() {
    state_->kill();
}

const std::optional<int>& piped_child::status() const {
    return state_->process->status();
}

const std::string& piped_child::error_tail() const {
    return state_->tail;
}

}  // namespace headroom::chat
