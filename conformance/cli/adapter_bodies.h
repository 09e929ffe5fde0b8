// Runs every body that an adapter must have once in its pool: does the body report what it does,
// and does the adapter report the outcome?
#pragma once

#include "conformance/cli/interview.h"

namespace poolproof::cli {

// Needs an open pool of two workers, and leaves it open.
void try_bodies(Interview& talk);

// A body that throws, and one that exceeds its deadline if the adapter has deadlines.
void try_error_in_body(Interview& talk);
void try_deadline(Interview& talk);

// A value whose encoding or decoding throws. There is one conversation for each stage, because a
// pool may break or hang at it; that is not judged here.
void try_error_at(Interview& talk, const std::string& stage);

// done-callbacks and cancel, if the adapter has them.
void try_extras(Interview& talk);

// A separate conversation: one worker is killed, and one ends itself. The scenarios judge what the
// pool does then. This judges whether the adapter recognises the error.
void try_deaths(Interview& talk);

// For each resource: a body that takes more of it than it was allowed, and gives it back.
void try_exhaust(Interview& talk);

// A separate conversation: a body writes garbage to its pool's pipes.
void try_garbage(Interview& talk);

// Finds a task whose outcome is `unmapped` although an ordinary event happened.
void find_unmapped(Interview& talk, const std::string& id, const std::string& what,
                   const std::string& kind);

}  // namespace poolproof::cli
