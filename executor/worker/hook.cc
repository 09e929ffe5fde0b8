// The flag proves in the parent, before any spawn, that the hook works.
#include "executor/worker/hook.h"

#include "executor/worker/entry.h"

namespace poolproof::worker {
namespace {

int worker_main(int argc, char** argv, char**) { run(*begin(argc, argv)); }

}  // namespace

Main main_for(int argc, char** argv, Main users) {
  return begin(argc, argv) != nullptr ? &worker_main : users;
}

}  // namespace poolproof::worker
