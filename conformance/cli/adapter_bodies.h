// Every body that an adapter must have, run once by its pool: does it report what it does, and is
// what comes of it told?
#pragma once

#include "conformance/cli/interview.h"

namespace poolproof::cli {

// With a pool of two workers open, and left open.
void try_bodies(Interview& talk);

// A body that throws, and one that outlives its deadline where the adapter has them.
void try_error_in_body(Interview& talk);
void try_deadline(Interview& talk);

// What is encoded or decoded throws: a conversation of its own for each stage, since a pool may
// break by it, or hang, and that is not judged here.
void try_error_at(Interview& talk, const std::string& stage);

// done-callbacks and cancel, where the adapter has them.
void try_extras(Interview& talk);

// A conversation of its own: a worker is killed, and one ends itself. What the pool makes of it is
// for the scenarios to judge; whether the adapter knows its error is judged here.
void try_deaths(Interview& talk);

// A body that takes more of something than it was allowed, and gives it back, for each such thing.
void try_exhaust(Interview& talk);

// A conversation of its own: a body writes rubbish on its pool's pipes.
void try_garbage(Interview& talk);

// A task whose outcome is `unmapped` where an ordinary thing happened.
void find_unmapped(Interview& talk, const std::string& id, const std::string& what,
                   const std::string& kind);

}  // namespace poolproof::cli
