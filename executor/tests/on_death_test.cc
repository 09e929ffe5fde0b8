// What the death of a worker means for the others, with real processes (ExecutorOptions::on_death).
#include <gtest/gtest.h>
#include <signal.h>

#include "executor/tests/meeting.h"
#include "poolproof/executor.h"

namespace poolproof {
namespace {

using namespace testing_support;

TEST(OnDeath, that_breaks_the_pool_ends_all_others_with_the_name_of_the_death) {
  Executor pool({.workers = 2, .on_death = OnDeath::kBreakPool});
  Meeting victims, bystanders;
  Future<void> victim = pool.submit(meet_and_sleep, victims.folder());
  const int victim_pid = victims.await();
  Future<void> running = pool.submit(meet_and_sleep, bystanders.folder());
  const int bystander_pid = bystanders.await();
  Future<int> queued = pool.submit([] { return 1; });
  kill(victim_pid, SIGSEGV);
  EXPECT_THROW(victim.get(), TerminatedWorkerError);
  for (const bool started : {true, false}) {
    try {
      started ? running.get() : static_cast<void>(queued.get());
      FAIL();
    } catch (const TerminatedWorkerError&) {
      FAIL() << "it is not the guilty one";
    } catch (const BrokenProcessPool& error) {
      EXPECT_EQ(error.started(), started);
      EXPECT_EQ(error.failure().worker.pid, victim_pid);
      EXPECT_NE(std::string(error.what()).find("SIGSEGV"), std::string::npos) << error.what();
    }
  }
  EXPECT_TRUE(ends_within(bystander_pid, 60'000));
  EXPECT_THROW(std::ignore = pool.submit([] { return 1; }), BrokenProcessPool);
}

TEST(OnDeath, that_replaces_leaves_the_others_alone) {
  Executor pool({.workers = 2});
  Meeting victims, bystanders;
  Future<void> victim = pool.submit(meet_and_sleep, victims.folder());
  Future<int> running = pool.submit(meet_and_return, bystanders.folder(), 7);
  bystanders.await();
  Future<int> queued = pool.submit([] { return 1; });
  kill(victims.await(), SIGSEGV);
  EXPECT_THROW(victim.get(), TerminatedWorkerError);
  EXPECT_EQ(queued.get(), 1);
  bystanders.let_go();
  EXPECT_EQ(running.get(), 7);
}

}  // namespace
}  // namespace poolproof
