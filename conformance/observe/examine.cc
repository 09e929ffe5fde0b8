#include "conformance/observe/examine.h"

#include <thread>
#include <utility>

#include "conformance/observe/holders.h"
#include "conformance/observe/inside.h"
#include "conformance/observe/proc_text.h"

namespace poolproof::hang {

Examination examine(pid_t root, const ClosedWorld& world, std::chrono::nanoseconds apart) {
  const auto wait = [apart] {
    std::this_thread::sleep_for(apart);
    return true;
  };
  return *examine({.tree = {root}, .world = world, .pause = wait});
}

std::optional<Examination> examine(const Question& question) {
  const auto begin = std::chrono::steady_clock::now();
  Look first = look_at(question.tree);
  if (!question.pause()) return std::nullopt;
  Examination examination;
  examination.look = look_at(question.tree);
  if (question.numbers_inside) {
    first = numbered_inside(std::move(first));
    examination.look = numbered_inside(std::move(examination.look));
  }
  examination.proof = prove(first, examination.look, question.world);
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
