// The time limits of the runner. None is a plain pause: each is the longest wait for an event, or
// the time between two looks at something that sends no event.
//
// `Progress::scaled` lengthens those of the pool, because a busy machine makes them too short.
// kHello is lengthened by the number of attempts that share a core.
#pragma once

#include <chrono>

namespace poolproof::conformance::limits {

using namespace std::chrono_literals;

// The adapter.
inline constexpr auto kHello = 10s;  // from the cage's start to `hello`
inline constexpr auto kBye = 5s;     // for its end, when the harness only asked for its `hello`
// For the first `open`. If it takes longer, the adapter is wrong; later opens are the pool's.
inline constexpr auto kFirstOpen = 10s;
// From the end of its connection to the report of its exit.
inline constexpr auto kEndsAfterItsLine = 1s;
inline constexpr auto kLastWords = 300ms;  // for its own end, after it broke the rules
// Between two checks whether it has read everything: no event tells us.
inline constexpr auto kBetweenReads = 1ms;

// The cage. A snapshot, a ping, the end: our own work, never the pool's fault.
inline constexpr auto kCageAnswers = 10s;
// Until the tracer reports a strike; the pool may report it first.
inline constexpr auto kTracerTells = 300ms;

// The pool.
inline constexpr auto kStep = 5s;           // a step that no expectation limits
inline constexpr auto kEmptiesWithin = 1s;  // L9: after the end of its parent nothing may be left
// How long it may take to report a death before bystanders continue.
inline constexpr auto kPoolHears = 300ms;
// How long a program may take to end, or to begin to end, before its tasks continue.
inline constexpr auto kProgramEnds = 500ms;
// How long a resource stays denied while the pool replaces its worker.
inline constexpr auto kStaysDenied = 500ms;

// Looks at what sends no event.
// Until a snapshot has shrunk: the first and the longest pause; it doubles each time.
inline constexpr auto kFirstLook = 2ms, kLongestLook = 250ms;
inline constexpr auto kBetweenLooks = 20ms;  // at a process that is in the middle of a send
// kRest: the longest wait until all processes rest. kStill: so long without movement is rest.
inline constexpr auto kRest = 100ms, kStill = 2ms;
// The same, if a new worker may not have begun its start at the first look.
inline constexpr auto kRestOfReplacements = 2000ms, kStillOfReplacements = 20ms;

// A run in which nothing arrives any more.
inline constexpr auto kSilent = 100ms;          // before the first question for a hang proof
inline constexpr auto kLongestSilence = 2s;     // between two questions
inline constexpr auto kLongestTimeLimit = 30s;  // of a thread itself; longer ones are not awaited
inline constexpr auto kPastTheLimit = 1s;       // after the longest limit that is known
inline constexpr auto kWatched = 1s;            // for movement, before a step is given up

}  // namespace poolproof::conformance::limits
