// Draws the life of a worker from the table in lifecycle.cc, as Markdown with Mermaid diagrams.
//
//     poolproof_lifecycle_picture                      prints it
//     poolproof_lifecycle_picture executor/README.md   writes it there, between its two marks
//
// There are too many rows to draw all. The diagrams show the rows that change the state: each of
// the seven states in which a worker serves, and the ways out of all seven as if they were one. A
// table lists the rest. If a row is in neither, the program ends, so no row can be forgotten.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "executor/check.h"
#include "executor/supervise/lifecycle.h"

namespace poolproof::supervise {
namespace {

const std::string kBegin = "<!-- lifecycle: made by poolproof_lifecycle_picture -->\n";
const std::string kEnd = "<!-- end of lifecycle -->\n";

bool serves(State state) { return state <= State::kBusy; }
bool is_out_of_turn(const Row& row) { return row.action == Action::kKillViolator; }
bool stays(const Row& row) { return row.next == row.in; }

std::string event_of(const Row& row) {
  return is_out_of_turn(row) ? "out of turn" : to_string(row.on);
}
std::string event_and_action(const Row& row) {
  return std::string(to_string(row.on)) + " / " + to_string(row.action);
}

// Keys in the order in which they first came; each value of a key is kept once.
class Groups {
 public:
  void add(const std::string& key, const std::string& value) {
    auto found = std::find_if(groups_.begin(), groups_.end(),
                              [&](const auto& group) { return group.first == key; });
    if (found == groups_.end()) found = groups_.insert(found, {key, {}});
    auto& values = found->second;
    if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
  }
  // A line for each: `before` key `between` values `after`.
  std::string lines(const char* before, const char* between, const char* after) const {
    std::string text;
    for (const auto& [key, values] : groups_) {
      text += before + key + between;
      for (const std::string& value : values) text += (&value == &values[0] ? "" : ", ") + value;
      text += after;
    }
    return text;
  }

 private:
  std::vector<std::pair<std::string, std::vector<std::string>>> groups_;
};

class Picture {
 public:
  std::string draw() {
    const std::string text = road() + ways_out() + some_of_the_seven() + out_of_turn() + heard();
    for (const Row& row : all_rows()) {
      const bool silent = stays(row) && (row.action == Action::kNothing ||  //
                                         row.action == Action::kBug);
      POOLPROOF_CHECK(silent || drawn_.contains(&row), "a row of the table is not in the picture");
    }
    return text;
  }

 private:
  template <class Wanted>
  std::vector<const Row*> rows(Wanted wanted) {
    std::vector<const Row*> found;
    for (const Row& row : all_rows()) {
      if (wanted(row)) found.push_back(&row);
    }
    drawn_.insert(found.begin(), found.end());
    return found;
  }

  std::string road() {
    Groups edges;
    for (const Row* row : rows([](const Row& each) {
           return !stays(each) && serves(each.in) && serves(each.next);
         })) {
      edges.add(std::string(to_string(row->in)) + " --> " + to_string(row->next),
                event_and_action(*row));
    }
    return "```mermaid\nstateDiagram-v2\n    direction LR\n    [*] --> starting\n" +
           edges.lines("    ", " : ", "\n") + "```\n\n";
  }

  std::string ways_out() {
    Groups edges;
    for (const Row* row :
         rows([](const Row& each) { return !stays(each) && !serves(each.next); })) {
      edges.add((serves(row->in) ? "serving" : std::string(to_string(row->in))) + " --> " +
                    to_string(row->next),
                event_of(*row));
    }
    return "The ways out. `serving` is any of these seven:\n\n"
           "```mermaid\nstateDiagram-v2\n    direction LR\n    [*] --> serving\n" +
           edges.lines("    ", " : ", "\n") + "    reaped --> [*]\n```\n\n";
  }

  // The ways out of the seven states, by action: from which states?
  std::string some_of_the_seven() {
    Groups ways;
    for (const Row* row : rows([](const Row& each) {
           return !stays(each) && !serves(each.next) && !is_out_of_turn(each);
         })) {
      ways.add(event_and_action(*row) + " | " + to_string(row->next), to_string(row->in));
    }
    return "| on / does | leads to | from |\n|---|---|---|\n" + ways.lines("| ", " | ", " |\n") +
           "\n";
  }

  std::string out_of_turn() {
    Groups states;
    for (const Row* row : rows(is_out_of_turn)) states.add(to_string(row->in), to_string(row->on));
    return "| while | out of turn: a protocol violation |\n|---|---|\n" +
           states.lines("| ", " | ", " |\n") + "\n";
  }

  std::string heard() {
    Groups states;
    for (const Row* row : rows([](const Row& each) {
           return stays(each) && each.action != Action::kNothing && each.action != Action::kBug;
         })) {
      states.add(to_string(row->in), event_and_action(*row));
    }
    return "| while | heard, and nothing changes |\n|---|---|\n" +
           states.lines("| ", " | ", " |\n");
  }

  std::set<const Row*> drawn_;
};

int put_into(const char* path, const std::string& picture) {
  std::ifstream in(path);
  std::string page{std::istreambuf_iterator<char>(in), {}};
  const std::size_t begin = page.find(kBegin);
  const std::size_t end = page.find(kEnd);
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    std::fprintf(stderr, "%s has no lines `%s` and `%s`\n", path,
                 kBegin.substr(0, kBegin.size() - 1).c_str(),
                 kEnd.substr(0, kEnd.size() - 1).c_str());
    return 1;
  }
  page.replace(begin, end - begin, picture);
  std::ofstream out(path);
  out << page << std::flush;
  return out ? 0 : 1;
}

}  // namespace
}  // namespace poolproof::supervise

int main(int argc, char** argv) {
  using namespace poolproof::supervise;
  const std::string picture = kBegin + Picture().draw();
  if (argc == 2) return put_into(argv[1], picture);
  std::fputs((picture + kEnd).c_str(), stdout);
  return 0;
}
