// Preloaded into programs that qemu-user runs. The executor starts a worker from /proc/self/exe,
// and for the kernel this is qemu itself. qemu 7 returns the program's own path when that link is
// read, but not when it is executed. So here it is read first. Nothing else differs.
#include <dlfcn.h>
#include <spawn.h>
#include <unistd.h>

#include <climits>
#include <cstring>

extern "C" int posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                           const posix_spawnattr_t* attributes, char* const argv[],
                           char* const environment[]) {
  static const auto real =
      reinterpret_cast<decltype(&posix_spawn)>(dlsym(RTLD_NEXT, "posix_spawn"));
  char own[PATH_MAX] = {};
  if (std::strcmp(path, "/proc/self/exe") == 0 && readlink(path, own, sizeof(own) - 1) > 0) {
    path = own;
  }
  return real(pid, path, actions, attributes, argv, environment);
}
