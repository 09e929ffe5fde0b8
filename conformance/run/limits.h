// Every time limit of the runner. None is a plain pause: each is the longest wait for an event, or
// the time between two looks at something that sends no event.
//
// `Progress::scaled` lengthens the ones that a busy machine can make too short.
#pragma once

#include <chrono>

namespace poolproof::conformance::limits {

using namespace std::chrono_literals;

// The adapter.
inline constexpr auto kHello = 10s;      // from the cage's start to `hello`
inline constexpr auto kBye = 5s;         // to end, when it is only asked for its `hello`
inline constexpr auto kFirstOpen = 10s;  // until then the adapter is at fault; after that the pool
inline constexpr auto kEndsAfterItsLine = 1s;  // its line may be gone before its exit is reported
inline constexpr auto kLastWords = 300ms;      // to end by itself, after it broke the rules
inline constexpr auto kBetweenReads = 1ms;     // nothing tells us when it has read what we sent

// The cage. A snapshot, a ping, the end: our own work, never the pool's fault.
inline constexpr auto kCageAnswers = 10s;
inline constexpr auto kTracerTells = 300ms;  // of a strike that the pool may report first

// The pool.
inline constexpr auto kStep = 5s;            // a step that no expectation limits
inline constexpr auto kEmptiesWithin = 1s;   // L9: after the end of its parent nothing may be left
inline constexpr auto kPoolHears = 300ms;    // of a death, before its other tasks continue
inline constexpr auto kProgramEnds = 500ms;  // or starts to end, while its tasks still run
inline constexpr auto kStaysDenied = 500ms;  // the resource, while the pool replaces its worker

// Looks at what sends no event: processes at rest, a snapshot that shrinks.
inline constexpr auto kFirstLook = 2ms, kLongestLook = 250ms;  // the pause between two doubles
inline constexpr auto kBetweenLooks = 20ms;  // at a process that must be in the middle of a send
inline constexpr auto kRest = 100ms, kStill = 2ms;  // all processes, before the next command
// A new worker may not have begun its start at the first look.
inline constexpr auto kRestOfReplacements = 2000ms, kStillOfReplacements = 20ms;

// A run in which nothing arrives any more.
inline constexpr auto kSilent = 100ms;          // before the first question for a hang proof
inline constexpr auto kLongestSilence = 2s;     // between two questions
inline constexpr auto kLongestTimeLimit = 30s;  // a thread's own; longer ones are not awaited
inline constexpr auto kPastTheLimit = 1s;       // after the longest limit that is known
inline constexpr auto kWatched = 1s;            // for movement, before a step is given up

}  // namespace poolproof::conformance::limits
