// Workers of workers: how deep this process is, and how many workers it may have alive at once.
//
// Each worker of the program gets a share: so many processes it and all below it may have alive at
// once. It hands on a part of its share with each worker that it starts, so that the sum over the
// whole tree is bounded by what the program handed out, though no two processes share a counter.
#pragma once

namespace poolproof::os {

// In a worker, before anything of the user runs there. A process that never calls it is the
// program itself: depth 0, and no limit.
void set_nesting(int depth, int share);

int nesting_depth();

// How many workers an executor here may have at once if it asks for `wanted`; 0 if none is left.
int workers_within_share(int wanted);

// The share of each worker of an executor here that has so many of them.
int share_for_each_of(int workers);

// In the way of every spawn. False: with another worker and its share, there would be too many.
bool take_from_share(int share);
void give_back_to_share(int share);  // once for each, when that worker has been reaped

}  // namespace poolproof::os
