#include "faults/cage/cgroup_place.h"

#include <optional>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "faults/cage/proc.h"

namespace poolproof::faults {
namespace {

using std::string;

struct Hierarchy {
  int version = 0;
  string root;  // the group that appears as the root of the mount
  string mount;
};

std::vector<string> fields_of(const string& line, char separator) {
  std::vector<string> fields;
  std::istringstream in(line);
  for (string field; std::getline(in, field, separator);) fields.push_back(field);
  return fields;
}

bool lists(const string& words, char separator, const string& word) {
  for (const string& each : fields_of(words, separator))
    if (each == word) return true;
  return false;
}

// proc(5): "31 23 0:35 ROOT MOUNT rw,relatime - cgroup SOURCE rw,memory"
std::vector<Hierarchy> hierarchies_with(const string& controller, const string& mountinfo) {
  std::vector<Hierarchy> found;
  std::istringstream in(mountinfo);
  for (string line; std::getline(in, line);) {
    const auto dash = line.find(" - ");
    if (dash == string::npos) continue;
    const auto before = fields_of(line.substr(0, dash), ' ');
    const auto after = fields_of(line.substr(dash + 3), ' ');
    if (before.size() < 5 || after.size() < 3) continue;
    if (after[0] == "cgroup" && lists(after[2], ',', controller))
      found.push_back({1, before[3], before[4]});
    if (after[0] == "cgroup2") found.push_back({2, before[3], before[4]});
  }
  return found;
}

// cgroups(7): "4:memory:/a/b" of version 1, "0::/a/b" of version 2.
std::optional<string> own_group(int version, const string& controller, const string& own_groups) {
  std::istringstream in(own_groups);
  for (string line; std::getline(in, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == string::npos || second == string::npos) continue;
    const string controllers = line.substr(first + 1, second - first - 1);
    const bool ours = version == 2 ? line.substr(0, first) == "0" && controllers.empty()
                                   : lists(controllers, ',', controller);
    if (ours) return line.substr(second + 1);
  }
  return std::nullopt;
}

// The path of a group below the mount; nullopt if the group is not in the mounted part.
std::optional<string> visible_path(const Hierarchy& hierarchy, const string& group) {
  if (group.find("/..") != string::npos) return std::nullopt;  // above a cgroup namespace's root
  if (hierarchy.root == "/") return hierarchy.mount + (group == "/" ? "" : group);
  if (group.rfind(hierarchy.root, 0) != 0) return std::nullopt;
  return hierarchy.mount + group.substr(hierarchy.root.size());
}

std::optional<string> nearest_that_hands_on(const string& controller, const string& mount,
                                            string group) {
  while (group.size() >= mount.size()) {
    const FileText handed = read_file(group + "/cgroup.subtree_control");
    string words = handed.text;
    while (!words.empty() && words.back() == '\n') words.pop_back();
    if (handed.error == 0 && lists(words, ' ', controller)) return group;
    if (group == mount) break;
    group.erase(group.rfind('/'));
  }
  return std::nullopt;
}

}  // namespace

CgroupPlace find_cgroup_place(const string& controller, const string& mountinfo,
                              const string& own_groups) {
  string why;
  for (const Hierarchy& hierarchy : hierarchies_with(controller, mountinfo)) {
    const auto group = own_group(hierarchy.version, controller, own_groups);
    const auto path = group ? visible_path(hierarchy, *group) : std::nullopt;
    if (!path) {
      why = "our own group is not visible below " + hierarchy.mount;
    } else if (hierarchy.version == 1) {
      return {1, hierarchy.mount, *path};
    } else if (const auto above = nearest_that_hands_on(controller, hierarchy.mount, *path)) {
      return {2, hierarchy.mount, *above};
    } else if (why.empty()) {
      why = "no group above us hands the controller on to its children (cgroup.subtree_control)";
    }
  }
  if (why.empty()) why = "no cgroup hierarchy with it is mounted";
  throw std::runtime_error("no " + controller + " cgroup can be made: " + why);
}

std::set<string> groups_of(const string& mountinfo, const string& groups) {
  std::set<string> paths;
  for (const string& line : fields_of(groups, '\n')) {
    // A path with a colon is cut short, but it is not ours.
    const auto fields = fields_of(line, ':');
    if (fields.size() < 3) continue;
    const string controller = fields_of(fields[1] + ",", ',').front();
    for (const Hierarchy& hierarchy : hierarchies_with(controller, mountinfo)) {
      if ((hierarchy.version == 2) != controller.empty()) continue;
      const auto path = visible_path(hierarchy, fields[2]);
      if (path && *path != hierarchy.mount) paths.insert(*path);
    }
  }
  return paths;
}

}  // namespace poolproof::faults
