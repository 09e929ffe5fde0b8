#include "conformance/hang/examine.h"

#include <thread>

#include "conformance/hang/holders.h"
#include "conformance/hang/proc_text.h"

namespace poolproof::hang {

Examination examine(pid_t root, const ClosedWorld& world, std::chrono::nanoseconds apart) {
  const auto begin = std::chrono::steady_clock::now();
  const Look first = look_at(root);
  std::this_thread::sleep_for(apart);
  Examination examination;
  examination.look = look_at(root);
  examination.proof = prove(first, examination.look, world);
  examination.took = std::chrono::steady_clock::now() - begin;
  return examination;
}

std::string object_behind(pid_t pid, int fd) {
  const std::string folder = "/proc/" + std::to_string(pid);
  const auto link = read_link(folder + "/fd/" + std::to_string(fd));
  const auto info = read_text(folder + "/fdinfo/" + std::to_string(fd));
  return link && info ? parse_descriptor(fd, *link, *info).object.name : "";
}

}  // namespace poolproof::hang
