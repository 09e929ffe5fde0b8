// Runs a pool under faults for a long time, and reports whether it kept its promises: soak
// --seconds N --seed S
#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "fuzz/soak/crew.h"
#include "fuzz/soak/gauge.h"
#include "fuzz/soak/meddler.h"

namespace poolproof::fuzz::soak {
namespace {

constexpr int kCallers = 4;
// What an allocator may keep although nothing leaks.
constexpr double kSpareMib = 4;
// A slope is a claim only if the run is long in comparison to one task.
constexpr double kSlopeMinutes = 5, kMostMibAMinute = 1, kMostAMinute = 0.5;

struct Request {
  int seconds = 30;
  std::uint64_t seed = 1;
};

std::optional<Request> read_request(int argc, char** argv) {
  Request request;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 == argc) return std::nullopt;
    const char* end = argv[i + 1] + std::strlen(argv[i + 1]);
    std::from_chars_result read{};
    if (std::strcmp(argv[i], "--seconds") == 0) {
      read = std::from_chars(argv[i + 1], end, request.seconds);
    } else if (std::strcmp(argv[i], "--seed") == 0) {
      read = std::from_chars(argv[i + 1], end, request.seed);
    } else {
      return std::nullopt;
    }
    if (read.ec != std::errc() || read.ptr != end || request.seconds < 1) return std::nullopt;
  }
  return request;
}

struct Run {
  Gauge gauge;
  Health health;
  double minutes = 0, rss_at_start = 0, rss_at_end = 0;
  std::uint64_t ticks = 0, idle_ticks = 0, replaced = 0;
  std::map<std::string, std::uint64_t> meddled;
};

double minutes_since(Instant start) {
  return std::chrono::duration<double, std::ratio<60>>(std::chrono::steady_clock::now() - start)
      .count();
}

// The first tenth is for warming up: threads, arenas and windows reach their size.
void watch(Run& run, int seconds, const Clerk& clerk) {
  const Instant start = std::chrono::steady_clock::now();
  for (int second = 1; second <= seconds; ++second) {
    std::this_thread::sleep_until(start + std::chrono::seconds(second));
    if (second * 10 < seconds) continue;
    const auto use = clerk.use_descriptors();
    if (run.rss_at_start == 0) run.rss_at_start = rss_mib();
    run.gauge.sample(minutes_since(start));
  }
  run.minutes = minutes_since(start);
}

void soak_in_faults(const Request& request, Clerk& clerk, Run& run) {
  Orders orders;
  ExecutorOptions options{.workers = 4, .tasks_per_worker = 4};
  options.start_limit = std::chrono::nanoseconds::max();  // a frozen worker is continued or killed
  options.on_callback_error = [](std::exception_ptr) {};  // the error comes with the future
  options.worker_stderr = Stderr::kTail;                  // for aborts: printed with the error
  if (!kSanitized) options.memory_limit = kMemoryLimit;
  Pools pools(options);
  Meddler meddler(clerk, request.seed + 7);
  Injector injector(pools, clerk, orders, request.seed);
  std::vector<std::unique_ptr<Caller>> callers;
  for (int i = 0; i < kCallers; ++i) {
    const std::uint64_t seed = request.seed * 1000 + static_cast<std::uint64_t>(i) + 1;
    callers.push_back(std::make_unique<Caller>(pools, clerk, orders, seed));
  }
  std::atomic<bool> enough = false, calm = false, left_alone = false;
  std::vector<std::thread> calling;
  for (const auto& caller : callers) calling.emplace_back([&] { caller->run(enough); });
  std::thread striking([&] { injector.run(calm); });
  std::thread meddling([&] { meddler.run(left_alone); });
  watch(run, request.seconds, clerk);
  left_alone = true;
  meddling.join();
  enough = true;
  for (std::thread& thread : calling) thread.join();
  calm = true;
  striking.join();
  pools.shut_down();
  run.health = pools.health();
  run.replaced = pools.replaced();
  run.meddled = meddler.told();
  run.ticks = injector.ticks();
  run.idle_ticks = injector.idle_ticks();
}

void print(const Run& run, const Tally& tally) {
  const auto line = [](const std::string& what, std::uint64_t count) {
    std::printf("  %-44s %10llu\n", what.c_str(), static_cast<unsigned long long>(count));
  };
  std::printf("tasks\n");
  line("submitted", tally.tasks);
  line("values", tally.values);
  for (const auto& [what, count] : tally.errors) line(what, count);
  line("doubled", tally.doubled);
  line("lost", tally.lost);
  std::printf("faults\n");
  line("ticks of 20 ms", run.ticks);
  line("ticks with nobody to strike", run.idle_ticks);
  for (const auto& [what, count] : tally.faults) line(what, count);
  for (const auto& [what, count] : run.meddled) line(what, count);
  line("signals that the program has handled", signals_handled());
  std::printf("processes\n");
  line("that began a task", tally.processes);
  line("whose death is a future's error", tally.ended_a_task);
  line("that died idle: no future's error", tally.ended_none);
  line("whose end the kernel told", tally.seen);
  line("whose end it did not tell", tally.unseen);
  line("frozen for sure when their limit came", tally.frozen_for_sure);
  std::printf("the pool says\n");
  line("spawned", run.health.spawned);
  line("spawns that failed", run.health.spawn_failures);
  line("pools that ended for it, and were replaced", run.replaced);
  line("tasks given to another worker", run.health.requeued);
  line("workers recycled", run.health.ended_by(Cause::kSpent));
  std::printf("the calling process\n");
  std::printf("  RSS in MiB:  %s; at the end %.1f\n", to_string(run.gauge.rss()).c_str(),
              run.rss_at_end);
  std::printf("  descriptors: %s\n", to_string(run.gauge.descriptors()).c_str());
  std::printf("  threads:     %s\n", to_string(run.gauge.threads()).c_str());
}

void judge_growth(const Run& run, Clerk& clerk) {
  const auto claim = [&](bool held, const char* what) {
    if (!held) clerk.complain(std::string("the calling process has grown: ") + what);
  };
  if (kSanitized) return;  // it keeps freed memory, to detect its use
  claim(run.rss_at_end <= run.rss_at_start + kSpareMib, "its RSS at the end");
  if (run.minutes < kSlopeMinutes) return;
  claim(run.gauge.rss().per_minute <= kMostMibAMinute, "the slope of its RSS");
  claim(run.gauge.descriptors().per_minute <= kMostAMinute, "the slope of its descriptors");
  claim(run.gauge.threads().per_minute <= kMostAMinute, "the slope of its threads");
}

int soak(const Request& request) {
  std::printf("soak of %d s, seed %llu\n", request.seconds,
              static_cast<unsigned long long>(request.seed));
  if (!Meddler::has_rights()) {
    std::printf(
        "SKIPPED: rights that are given up for a while, since this user has none; run it "
        "as root\n");
  }
  std::fflush(stdout);
  handle_signals();
  const Belongings before_all = belongings();
  std::vector<std::string> wrong;
  {
    Clerk clerk;
    const Belongings before = belongings();
    Run run;
    soak_in_faults(request, clerk, run);
    clerk.finish();
    Belongings expected = before;
    --expected.threads;  // the clerk's own
    const Belongings after = belongings_after(expected);
    run.rss_at_end = rss_mib();
    judge_growth(run, clerk);
    print(run, clerk.tally());
    std::printf("  before: %s\n  after:  %s\n", to_string(expected).c_str(),
                to_string(after).c_str());
    if (after != expected) clerk.complain("the pool has left something behind");
    wrong = clerk.wrong();
  }
  if (wrong.empty() && belongings_after(before_all) != before_all) {
    wrong.push_back("the soak itself has left something behind");
  }
  for (const std::string& each : wrong) std::printf("WRONG: %s\n", each.c_str());
  std::printf(wrong.empty() ? "held: every future ended once, with its value or with an error that "
                              "names its fault; nothing was left\n"
                            : "did not hold: see the lines that begin with WRONG\n");
  return wrong.empty() ? 0 : 1;
}

}  // namespace
}  // namespace poolproof::fuzz::soak

int main(int argc, char** argv) {
  poolproof::fuzz::soak::let_free_memory_go();
  const auto request = poolproof::fuzz::soak::read_request(argc, argv);
  if (!request) {
    std::fprintf(stderr, "usage: soak [--seconds N] [--seed S]\n");
    return 2;
  }
  return poolproof::fuzz::soak::soak(*request);
}
