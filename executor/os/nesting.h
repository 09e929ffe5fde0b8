// Workers of workers: how deep this process is, and how many workers it may have at the same time.
//
// Each worker of the program gets a share: the number of processes that it and all processes below
// it may have at the same time. It gives a part of its share to each worker that it starts. So the
// sum over the whole tree cannot exceed what the program gave out, although no two processes share
// a counter.
#pragma once

namespace poolproof::os {

// In a worker, before any code of the user runs there. A process that never calls it is the program
// itself: depth 0, and no limit.
void set_nesting(int depth, int share);

int nesting_depth();

// How many workers an executor in this process may have at once if it asks for `wanted`; 0 if none
// is left.
int workers_within_share(int wanted);

// The share of each worker of an executor in this process that has so many workers.
int share_for_each_of(int workers);

// Call it before every spawn. False: another worker and its share would be too many.
bool take_from_share(int share);
void give_back_to_share(int share);  // once for each success, after that worker was reaped

}  // namespace poolproof::os
