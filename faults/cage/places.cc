#include "faults/cage/places.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults/cage/fd.h"
#include "faults/cage/proc.h"
#include "faults/cage/visible.h"

namespace poolproof::faults {
namespace {

// Makes an entry of the old place appear in the new one. `old_place` still reaches the entries that
// the new mount hides.
void keep(int old_place, const std::string& place, const std::string& name) {
  const std::string source = "/proc/self/fd/" + std::to_string(old_place) + "/" + name;
  const std::string target = place + "/" + name;
  struct stat entry;
  checked(::lstat(source.c_str(), &entry), "lstat of the old " + target);
  if (S_ISLNK(entry.st_mode)) {
    checked(::symlink(link_target(source).c_str(), target.c_str()), "symlink " + target);
    return;
  }
  if (S_ISDIR(entry.st_mode))
    checked(::mkdir(target.c_str(), 0700), "mkdir " + target);
  else
    Fd(checked(::open(target.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600),
               "create " + target));
  checked(::mount(source.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr),
          "bind " + target);
}

void renew(const std::string& place, const std::set<std::string>& kept) {
  const Fd old_place(
      checked(::open(place.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC), "open " + place));
  checked(::mount("tmpfs", place.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777"),
          "mount of a tmpfs on " + place);
  try {
    for (const std::string& name : kept) keep(old_place.get(), place, name);
  } catch (...) {
    ::umount2(place.c_str(), MNT_DETACH);
    throw;
  }
}

}  // namespace

Places make_places_private(const std::vector<std::string>& texts) {
  static const std::vector<std::string> kPlaces = {"/dev/shm", "/tmp"};
  Places places;
  places.kept = needed_entries(kPlaces, texts);
  std::vector<std::string> renewed;
  try {
    for (const std::string& place : kPlaces) {
      renew(place, places.kept[place]);
      renewed.push_back(place);
    }
    places.are_private = true;
  } catch (const CallFailed& failure) {
    for (const std::string& place : renewed) ::umount2(place.c_str(), MNT_DETACH);
    places.kept.clear();
    places.why = failure.what();
  }
  return places;
}

std::string why_not_private(const Places& places, const std::string& what) {
  if (places.are_private) return "";
  return what + " the machine's, not the attempt's own" +
         (places.why.empty() ? "" : ": " + places.why);
}

}  // namespace poolproof::faults
