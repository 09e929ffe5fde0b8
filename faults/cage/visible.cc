#include "faults/cage/visible.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <deque>
#include <unordered_map>
#include <utility>

#include "faults/cage/proc.h"

namespace poolproof::faults {
namespace {

constexpr int kMostLinks = 40;  // the kernel's own limit
constexpr const char* kSeparators = ":=,; \t\n'\"";

std::vector<std::string> pieces(const std::string& text, const char* separators) {
  std::vector<std::string> result;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const auto end = std::min(text.find_first_of(separators, begin), text.size());
    if (end > begin) result.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return result;
}

// Remembers what is at a path. The kernel is asked once for each path, because most paths of an
// environment begin alike.
class Looked {
 public:
  struct Entry {
    bool exists = false;
    bool is_link = false;
    std::string target;
  };

  const Entry& at(const std::string& path) {
    const auto [found, fresh] = entries_.try_emplace(path);
    struct stat entry;
    if (!fresh || ::lstat(path.c_str(), &entry) != 0) return found->second;
    found->second.exists = true;
    found->second.is_link = S_ISLNK(entry.st_mode);
    if (found->second.is_link) found->second.target = link_target(path);
    return found->second;
  }

 private:
  std::unordered_map<std::string, Entry> entries_;
};

using Entries = std::map<std::string, std::set<std::string>>;  // by place

// Walks a path as the kernel would, and notes each entry of a place on the way. Entries to which
// only a symbolic link leads are included.
void walk(const std::string& path, Looked& looked, Entries& entries) {
  const auto first = pieces(path, "/");
  std::deque<std::string> ahead(first.begin(), first.end());
  std::string at;  // the current position: absolute, without links; "" is the root
  int links = 0;
  while (!ahead.empty()) {
    const std::string name = ahead.front();
    ahead.pop_front();
    if (name == ".") continue;
    if (name == "..") {
      at.erase(std::min(at.rfind('/'), at.size()));
      continue;
    }
    const std::string next = at + "/" + name;
    const Looked::Entry& entry = looked.at(next);
    if (!entry.exists) return;
    if (const auto place = entries.find(at); place != entries.end()) place->second.insert(name);
    if (!entry.is_link) {
      at = next;
      continue;
    }
    const std::string& target = entry.target;
    if (target.empty() || ++links > kMostLinks) return;
    if (target.front() == '/') at.clear();
    const auto names = pieces(target, "/");
    ahead.insert(ahead.begin(), names.begin(), names.end());
  }
}

std::string value_of(const std::vector<std::string>& env, const std::string& name) {
  for (const std::string& entry : env)
    if (entry.rfind(name + "=", 0) == 0) return entry.substr(name.size() + 1);
  return "";
}

// "#!/usr/bin/env python3" names a program that must be visible too.
std::string interpreter_line(const std::string& path) {
  const FileText head = read_file(path, 256);
  if (head.error != 0 || head.text.rfind("#!", 0) != 0) return "";
  return head.text.substr(2, std::min(head.text.find('\n'), head.text.size()) - 2);
}

}  // namespace

std::map<std::string, std::set<std::string>> needed_entries(const std::vector<std::string>& places,
                                                            const std::vector<std::string>& texts) {
  std::set<std::string> paths;
  for (const std::string& text : texts) {
    if (!text.empty() && text.front() == '/') paths.insert(text);
    for (std::string& piece : pieces(text, kSeparators))
      if (piece.front() == '/') paths.insert(std::move(piece));
  }
  Looked looked;
  Entries entries;
  for (const std::string& place : places) entries[place];
  for (const std::string& path : paths) walk(path, looked, entries);
  return entries;
}

std::vector<std::string> texts_of(const AdapterCommand& command) {
  std::vector<std::string> texts = {command.cwd};
  for (const std::string& argument : command.argv) {
    texts.push_back(argument);
    texts.push_back(command.cwd + "/" + argument);
  }
  for (const std::string& entry : command.env)
    if (entry.rfind("TMPDIR=", 0) != 0) texts.push_back(entry);  // the keeper sets another one

  std::vector<std::string> programs;
  if (!command.argv.empty()) {
    const std::string& program = command.argv.front();
    if (program.find('/') == std::string::npos) {
      for (const std::string& directory : pieces(value_of(command.env, "PATH"), ":"))
        programs.push_back(directory + "/" + program);
    } else {
      programs.push_back(program.front() == '/' ? program : command.cwd + "/" + program);
    }
  }
  for (const std::string& program : programs) {
    texts.push_back(program);
    const std::string line = interpreter_line(program);
    if (!line.empty()) texts.push_back(line);
    // "#!/usr/bin/env NAME": the name is searched in PATH.
    for (const std::string& word : pieces(line, " \t"))
      if (word.find('/') == std::string::npos)
        for (const std::string& directory : pieces(value_of(command.env, "PATH"), ":"))
          texts.push_back(directory + "/" + word);
  }
  return texts;
}

}  // namespace poolproof::faults
