// The stages of a task in its worker: at each of them it throws, exits, or crashes. Submitted
// directly, and from a callback.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "poolproof/executor.h"

namespace poolproof {

enum class At { kDecode, kRun, kEncode, kDestroy };
enum class Deed { kThrow, kExit, kCrash };

// Does its deed when it gets to its stage in a worker.
struct Bomb {
  At at = At::kRun;
  Deed deed = Deed::kThrow;
  bool armed = false;

  Bomb(At place, Deed what, bool ready) : at(place), deed(what), armed(ready) {}
  Bomb(Bomb&& other) noexcept
      : at(other.at), deed(other.deed), armed(std::exchange(other.armed, false)) {}
  Bomb& operator=(Bomb&&) = delete;
  ~Bomb() {
    if (armed && at == At::kDestroy && this_worker()) blow_up();
  }
  void come_to(At place) const {
    if (armed && at == place && this_worker()) blow_up();
  }
  void blow_up() const {
    if (deed == Deed::kExit) exit(0);
    if (deed == Deed::kCrash) raise(SIGSEGV);
    throw std::domain_error("a bomb");
  }
};

template <>
struct Codec<Bomb> {
  static void encode(WireWriter& out, const Bomb& bomb) {
    bomb.come_to(At::kEncode);
    out(static_cast<int>(bomb.at), static_cast<int>(bomb.deed), bomb.armed);
  }
  static Bomb decode(WireReader& in) {
    int at = 0, deed = 0;
    bool armed = false;
    in(at, deed, armed);
    Bomb bomb(static_cast<At>(at), static_cast<Deed>(deed), armed);
    bomb.come_to(At::kDecode);
    return bomb;
  }
};

namespace {

Bomb pass_on(Bomb bomb) {
  bomb.come_to(At::kRun);
  return bomb;
}
void keep(const Bomb&) {}

struct Case {
  At at;
  Deed deed;
  const char* name;
};

class Struck : public testing::TestWithParam<Case> {
 protected:
  // How a task with that bomb ended.
  std::optional<Failure> end_of(Executor& in) {
    const Case& what = GetParam();
    Bomb bomb(what.at, what.deed, true);
    try {
      // If it were passed on, the original would be disarmed.
      if (what.at == At::kDestroy) {
        in.submit(keep, bomb).get();
      } else {
        in.submit(pass_on, bomb).get();
      }
      return std::nullopt;
    } catch (const ExecutorError& error) {
      return error.failure();
    }
  }
  void is_as_it_should(const std::optional<Failure>& failure) {
    ASSERT_TRUE(failure) << "it ended with a value";
    const Case& what = GetParam();
    EXPECT_TRUE(failure->started);
    if (what.deed == Deed::kThrow) {
      EXPECT_EQ(failure->kind, what.at == At::kDecode ? FailureKind::kDecode
                               : what.at == At::kRun  ? FailureKind::kTask
                                                      : FailureKind::kEncode);
      EXPECT_EQ(failure->type_name, "std::domain_error");
      EXPECT_EQ(failure->text, "a bomb");
      return;
    }
    EXPECT_EQ(failure->kind, FailureKind::kWorkerLost);
    EXPECT_EQ(failure->exit, what.deed == Deed::kExit ? ExitStatus(Exited{0})
                                                      : ExitStatus(Signaled{SIGSEGV, false}));
  }

  Executor pool{{.workers = 1}};
};

TEST_P(Struck, a_task_ends_with_what_happened_and_the_pool_goes_on) {
  is_as_it_should(end_of(pool));
  EXPECT_EQ(pool.submit([] { return 7; }).get(), 7);
}

TEST_P(Struck, a_task_that_a_callback_submitted_does_too) {
  Future<std::optional<Failure>> ended =
      pool.submit([] { return 1; }).then([this](int) { return end_of(pool); });
  is_as_it_should(ended.get());
  EXPECT_EQ(pool.submit([] { return 7; }).get(), 7);
}

INSTANTIATE_TEST_SUITE_P(
    Every, Struck,
    testing::Values(Case{At::kDecode, Deed::kThrow, "throws_at_decode"},
                    Case{At::kDecode, Deed::kExit, "exits_at_decode"},
                    Case{At::kDecode, Deed::kCrash, "crashes_at_decode"},
                    Case{At::kRun, Deed::kThrow, "throws"}, Case{At::kRun, Deed::kExit, "exits"},
                    Case{At::kRun, Deed::kCrash, "crashes"},
                    Case{At::kEncode, Deed::kThrow, "throws_at_encode"},
                    Case{At::kEncode, Deed::kExit, "exits_at_encode"},
                    Case{At::kEncode, Deed::kCrash, "crashes_at_encode"},
                    Case{At::kDestroy, Deed::kExit, "exits_at_destruction"},
                    Case{At::kDestroy, Deed::kCrash, "crashes_at_destruction"}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace poolproof
