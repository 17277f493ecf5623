// SPDX-License-Identifier: Apache-2.0
// Executions of stand-ins, launched as children: reports, every way to fail, order, cancelling,
// stopping.
#include <sys/wait.h>

#include <algorithm>
#include <string>

#include "integration/launch/launch_world.hpp"

namespace headroom::chat {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class ExecutorService : public testing::Test {
protected:
    void SetUp() override { world.use_child(); }
    void TearDown() override {
        world.stop();
        const auto counts = world.service->stats();
        EXPECT_EQ(counts.running, 0U);
        EXPECT_EQ(counts.waiting, 0U);
        EXPECT_EQ(counts.started, counts.ended + counts.failed);
    }
    // A call whose program has told its pid and, unless it is a silent one, its start.
    running_call& begun(const std::string& act, deadline by = in(30s)) {
        fs::remove(world.folder.path() / "pid");
        auto& one = world.call(request_of(act), by);
        world.until([&] {
            return world.folder.told_pid() != 0 && (act == "silent" || one.heard.started == 1);
        });
        return one;
    }

    launch_world world;
};

TEST_F(ExecutorService, RunsAnExecutionAndHearsItsReports) {
    auto& ann = world.call(request_of("answer"));
    world.until([&] { return ann.outcome.has_value(); });
    ASSERT_TRUE(*ann.outcome) << ann.outcome->error().what();
    EXPECT_EQ((*ann.outcome)->exit_code, 0);
    EXPECT_EQ(ann.heard.started, 1);
    EXPECT_EQ(ann.heard.output, "hello\n");
    EXPECT_TRUE(ann.heard.places.empty());
    EXPECT_EQ(world.service->launcher_name(), "child");
}

TEST_F(ExecutorService, CountsThoseThatEndedFailedAndEmitted) {
    EXPECT_TRUE(world.outcome_of(request_of("answer")));
    EXPECT_TRUE(world.outcome_of(request_of("emits")));
    EXPECT_FALSE(world.outcome_of(request_of("dies")));
    const auto counts = world.service->stats();
    EXPECT_EQ(counts.running_max, 2U);
    EXPECT_EQ(counts.started, 3U);
    EXPECT_EQ(counts.ended, 2U);
    EXPECT_EQ(counts.failed, 1U);
    EXPECT_EQ(counts.emitting, 1U);
}

TEST_F(ExecutorService, GivesTheReportOfAProgramThatWasNeverRun) {
    const auto outcome = world.outcome_of(request_of("never_run"));
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->start_error, "python3 is not installed");
}

TEST_F(ExecutorService, TellsWhatADeadExecutorLastSaid) {
    EXPECT_EQ(world.failure_of(request_of("dies")),
              "the executor ended without a report: it ended with exit code 3: first | something "
              "broke");
    EXPECT_EQ(world.failure_of(request_of("half")),
              "the executor ended without a report: it ended with exit code 4");
    EXPECT_EQ(world.failure_of(request_of("killed")),
              "the executor ended without a report: it was killed by signal 9");
}

TEST_F(ExecutorService, KeepsOnlyTheEndOfALongStandardError) {
    const auto why = world.failure_of(request_of("noisy"));
    EXPECT_THAT(why, AllOf(HasSubstr("exit code 5"), HasSubstr("noise | the last line")));
    EXPECT_LT(why.size(), 500U);
}

TEST_F(ExecutorService, TrustsNoExecutorThatTalksNonsense) {
    EXPECT_THAT(world.failure_of(request_of("nonsense")),
                HasSubstr("the executor sent what is no report: "));
    EXPECT_THAT(world.failure_of(request_of("doubled")),
                HasSubstr("the executor's reports make no sense: it reported its start twice"));
    EXPECT_THAT(world.failure_of(request_of("long")),
                HasSubstr("the executor sent a report of more than 262144 bytes"));
}

TEST_F(ExecutorService, RefusesAnOrderThatIsTooLongOrHasNoId) {
    auto what = request_of("answer");
    what.program.source.append(request_bytes_max, 'x');
    EXPECT_THAT(world.failure_of(what), HasSubstr("at most 2097152 are allowed: shorten them"));
    what.execution_id = "../x";
    EXPECT_THAT(world.failure_of(what), HasSubstr("the execution's id"));
}

TEST_F(ExecutorService, WaitsForNobodyThatADeadExecutorLeftBehind) {
    const auto begin = clock::now();
    EXPECT_THAT(world.failure_of(request_of("leaves")), HasSubstr("exit code 6"));
    EXPECT_LT(clock::now() - begin, 5s);
    EXPECT_TRUE(is_gone(world.folder.told_pid()));
}

TEST_F(ExecutorService, TellsThoseThatWaitHowManyAreBeforeThem) {
    auto& ann = begun("runs");
    auto& bob = begun("runs");
    auto& cyd = world.call(request_of("answer"));
    auto& dan = world.call(request_of("answer"));
    world.until([&] { return dan.heard.places.size() == 1; });
    EXPECT_THAT(cyd.heard.places, ElementsAre(0U));
    EXPECT_THAT(dan.heard.places, ElementsAre(1U));
    ann.give_up();
    world.until([&] { return dan.outcome && cyd.outcome; });
    EXPECT_THAT(dan.heard.places, ElementsAre(1U, 0U));
    bob.give_up();
    world.until([&] { return bob.outcome.has_value(); });
}

TEST_F(ExecutorService, RefusesOneMoreThanMayWait) {
    for (int count = 0; count < 6; ++count)
        (void)world.call(request_of("runs"));
    auto& late = world.call(request_of("answer"));
    world.until([&] { return late.outcome.has_value(); });
    ASSERT_FALSE(*late.outcome);
    EXPECT_EQ(late.outcome->error().code, chat_errc::queue_full);
    EXPECT_EQ(late.outcome->error().detail, "2 executions run and 4 wait: try again later");
}

TEST_F(ExecutorService, GivesTheReportOfARunningOneThatIsCancelled) {
    auto& ann = begun("runs");
    ann.give_up();
    world.until([&] { return ann.outcome.has_value(); });
    ASSERT_TRUE(*ann.outcome) << ann.outcome->error().what();
    EXPECT_EQ((*ann.outcome)->stopped, execution_stop::cancelled);
    EXPECT_TRUE(is_gone(world.folder.told_pid()));
    EXPECT_EQ(world.service->stats().running, 0U);
}

TEST_F(ExecutorService, KillsACancelledOneThatDoesNotListen) {
    auto& ann = begun("deaf");
    ann.give_up();
    world.until([&] { return ann.outcome.has_value(); });
    ASSERT_FALSE(*ann.outcome);
    EXPECT_EQ(ann.outcome->error().detail,
              "the code was stopped, and its executor made no report: it was killed by signal 9");
    EXPECT_TRUE(is_gone(world.folder.told_pid()));
}

TEST_F(ExecutorService, EndsACancelledOneThatHasNotReportedItsStart) {
    auto& ann = begun("silent");
    ann.give_up();
    world.until([&] { return ann.outcome.has_value(); });
    ASSERT_FALSE(*ann.outcome);
    EXPECT_THAT(ann.outcome->error().detail, HasSubstr("the code was stopped"));
    EXPECT_TRUE(is_gone(world.folder.told_pid()));
}

TEST_F(ExecutorService, EndsOneThatIsCancelledWhileItIsLaunched) {
    // After each number of steps of the loop, whatever it awaits then.
    for (int steps = 1; steps <= 12; ++steps) {
        auto& ann = world.call(request_of("runs"));
        for (int step = 0; step < steps; ++step)
            (void)world.loop.poll_one();
        ann.give_up();
        world.until([&] { return ann.outcome.has_value(); });
        const bool is_stopped =
            *ann.outcome ? (*ann.outcome)->stopped == execution_stop::cancelled
                         : ann.outcome->error().detail.starts_with("the code was stopped");
        EXPECT_TRUE(is_stopped) << steps;
        EXPECT_EQ(world.service->stats().running, 0U) << steps;
        EXPECT_EQ(read_file("/proc/thread-self/children"), "") << steps;
    }
}

TEST_F(ExecutorService, TakesACancelledOneOutOfTheLine) {
    auto& ann = begun("runs");
    auto& bob = begun("runs");
    auto& cyd = world.call(request_of("answer"));
    auto& dan = world.call(request_of("answer"));
    world.until([&] { return world.service->stats().waiting == 2; });
    cyd.give_up();
    world.until([&] { return cyd.outcome.has_value(); });
    ASSERT_FALSE(*cyd.outcome);
    EXPECT_EQ(cyd.outcome->error().detail, "the code was stopped before it started");
    EXPECT_THAT(dan.heard.places, ElementsAre(1U, 0U));
    ann.give_up();
    bob.give_up();
    world.until([&] { return dan.outcome.has_value(); });
    EXPECT_TRUE(*dan.outcome);
    EXPECT_EQ(world.service->stats().started, 3U);
}

TEST_F(ExecutorService, ReturnsAtTheDeadlineAndEndsTheProgramBehindIt) {
    EXPECT_EQ(world.failure_of(request_of("deaf"), in(1s)),
              "the code did not end before its time was over, and was stopped");
    const pid_t pid = world.folder.told_pid();
    ASSERT_NE(pid, 0);
    EXPECT_EQ(world.service->stats().running, 1U) << "its place is taken until it is gone";
    world.until([&] { return world.service->stats().running == 0; });
    EXPECT_TRUE(is_gone(pid));
}

TEST_F(ExecutorService, LeavesTheLineAtTheDeadline) {
    (void)begun("runs");
    (void)begun("runs");
    EXPECT_EQ(world.failure_of(request_of("answer"), in(50ms)),
              "others ran before it until its time was over");
    EXPECT_EQ(world.service->stats().waiting, 0U);
}

TEST_F(ExecutorService, EndsAllWhenItStopsAndRefusesNewOnes) {
    auto& ann = begun("runs");
    auto& bob = begun("deaf");
    auto& cyd = world.call(request_of("answer"));
    world.until([&] { return world.service->stats().waiting == 1; });
    test::run_on(world.loop, world.service->stop(in(4s)));
    world.until([&] { return ann.outcome && bob.outcome && cyd.outcome; });
    ASSERT_TRUE(*ann.outcome);
    EXPECT_EQ((*ann.outcome)->stopped, execution_stop::cancelled);
    EXPECT_FALSE(*bob.outcome);
    ASSERT_FALSE(*cyd.outcome);
    EXPECT_EQ(cyd.outcome->error().code, chat_errc::closed);
    EXPECT_EQ(cyd.heard.started, 0);
    EXPECT_EQ(world.service->stats().running, 0U);
    const auto late = world.outcome_of(request_of("answer"));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, chat_errc::closed);
}

// Watches another launcher: who was launched when, and how many live at the same time.
class counting_launcher final : public executor_launcher {
public:
    struct counts {
        std::vector<std::string> launched;
        int alive = 0;
        int alive_most = 0;
    };
    counting_launcher(std::unique_ptr<executor_launcher> under, counts& kept)
        : under_(std::move(under)), kept_(kept) {}

    [[nodiscard]] std::string_view name() const override { return under_->name(); }
    void prepare(execution_request& what) const override { under_->prepare(what); }
    result<std::unique_ptr<launched_executor>> launch(const execution_request& what) override {
        auto made = under_->launch(what);
        if (!made) return made;
        kept_.launched.push_back(what.execution_id);
        return std::make_unique<counted>(std::move(*made), kept_);
    }

private:
    class counted final : public launched_executor {
    public:
        counted(std::unique_ptr<launched_executor> under, counts& kept)
            : under_(std::move(under)), kept_(kept) {
            kept_.alive_most = std::max(kept_.alive_most, ++kept_.alive);
        }
        ~counted() override { --kept_.alive; }
        asio::awaitable<result<void>> send_line(std::string line, deadline by) override {
            return under_->send_line(std::move(line), by);
        }
        asio::awaitable<result<std::optional<std::string>>> next_line(deadline by) override {
            return under_->next_line(by);
        }
        asio::awaitable<std::string> finish(deadline by) override { return under_->finish(by); }

    private:
        std::unique_ptr<launched_executor> under_;
        counts& kept_;
    };

    std::unique_ptr<executor_launcher> under_;
    counts& kept_;
};

std::size_t open_descriptors() {
    std::size_t number = 0;
    for ([[maybe_unused]] const auto& one : fs::directory_iterator("/proc/self/fd"))
        ++number;
    return number;
}

TEST(ExecutorServiceAtItsBound, RunsTwoHundredInOrderFourAtATimeAndLeavesNothing) {
    launch_world world({.running_max = 4, .waiting_max = 200});
    counting_launcher::counts kept;
    world.use(std::make_unique<counting_launcher>(world.make({}), kept));
    (void)world.outcome_of(request_of("answer"));
    kept = {};
    const auto descriptors = open_descriptors();

    std::vector<std::string> asked;
    for (int count = 0; count < 200; ++count) {
        // Some die, so that a failure is seen to give its place back as well.
        auto what = request_of(count % 10 == 0 ? "dies" : "answer");
        asked.push_back(what.execution_id);
        (void)world.call(std::move(what), in(50s));
    }
    world.until(
        [&] {
            return std::ranges::all_of(world.calls,
                                       [](auto& one) { return one.outcome.has_value(); });
        },
        50s);
    EXPECT_EQ(kept.launched, asked);
    EXPECT_EQ(kept.alive_most, 4);
    EXPECT_EQ(kept.alive, 0);
    const auto counts = world.service->stats();
    EXPECT_EQ(counts.ended, 181U);
    EXPECT_EQ(counts.failed, 20U);
    // The tasks that read each child's standard error end after its end.
    world.until([&] { return open_descriptors() <= descriptors; });
    EXPECT_EQ(open_descriptors(), descriptors);
    // The system's own list: zombies are on it.
    EXPECT_EQ(read_file("/proc/thread-self/children"), "");
    world.stop();
}

TEST(ExecutorServiceAtItsBound, GivesUpOnExecutorsThatDoNotReportInTime) {
    launch_world world(
        {.running_max = 4, .waiting_max = 4, .start_time_max = 300ms, .end_time_max = 300ms});
    world.use_child();
    // Its input is closed before it is killed: some end by that.
    EXPECT_THAT(world.failure_of(request_of("silent")),
                testing::StartsWith("the executor did not report a start within 0.3 s: it "));
    EXPECT_TRUE(is_gone(world.folder.told_pid()));
    for (const std::string act : {"runs", "endless"}) {
        auto what = request_of(act);
        what.limits.wall_time = 200ms;
        EXPECT_THAT(world.failure_of(what),
                    testing::StartsWith("the executor did not report the end within 0.5 s, the "
                                        "time the code was allowed and 0.3 s more: it "));
        EXPECT_TRUE(is_gone(world.folder.told_pid()));
    }
    world.stop();
}

TEST(ExecutorServiceAtItsBound, KillsItsProgramsWhenTheLoopIsAbandoned) {
    pid_t pid = 0;
    {
        launch_world world;
        world.use_child();
        (void)world.call(request_of("deaf"));
        world.until([&] { return world.folder.told_pid() != 0; });
        pid = world.folder.told_pid();
        // Refuses nothing and waits for nothing: the members go in their order.
        test::run_on(world.loop, world.service->stop(clock::now()));
    }
    // Nobody is left who would have waited for it.
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

}  // namespace
}  // namespace headroom::chat
