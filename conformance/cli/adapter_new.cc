#include "conformance/cli/adapter_new.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iostream>
#include <vector>

#include "conformance/cli/choose.h"
#include "conformance/cli/home.h"
#include "reports/replay.h"

namespace poolproof::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestName = 40;

// A file with such a name would be found instead of the module that an adapter imports.
const std::vector<std::string> kTaken = {"kit",       "bodies",          "outcomes", "submission",
                                         "ctypes",    "multiprocessing", "queue",    "signal",
                                         "threading", "traceback",       "os",       "sys"};

bool is_name(const std::string& name) {
  const auto allowed = [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '_';
  };
  return !name.empty() && name.size() <= kLongestName &&
         std::islower(static_cast<unsigned char>(name.front())) != 0 &&
         std::all_of(name.begin(), name.end(), allowed);
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at))
    text.replace(at, what.size(), by), at += by.size();
  return text;
}

// Where find_package searches: the build folder, or the prefix in which the command is installed.
fs::path prefix_of(const Home& home) {
  fs::path build = home.programs.parent_path();
  if (fs::exists(build / "poolproof-config.cmake")) return build;
  return (home.scenarios / "../../..").lexically_normal();
}

void demand_name(const std::string& name) {
  if (!is_name(name))
    throw UsageError("`" + name +
                     "` is no name for an adapter: small letters, digits and _, "
                     "beginning with a letter, at most 40; as in `my_pool`");
  if (std::find(kTaken.begin(), kTaken.end(), name) != kTaken.end())
    throw UsageError("`" + name +
                     "` is the name of a module that the adapter imports; choose "
                     "another, as `" +
                     name + "_pool`");
  if (fs::exists(fs::symlink_status(name)))
    throw UsageError("`" + name +
                     "` is there already, and nothing is written over; choose "
                     "another name, or move it away");
}

void write(const fs::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw UsageError("cannot write `" + file.string() + "`; is there room on the disk?");
}

void say_what_next(const Common& common, const std::string& language, const std::string& name) {
  const std::string command = reports::shell_word(common.called_as);
  std::string adapter = "python3 " + name + "/" + name + ".py";
  std::cout << "Next:\n";
  if (language == "cpp") {
    adapter = name + "/build/" + name + "_adapter";
    std::cout << "  cmake -S " << name << " -B " << name << "/build && cmake --build " << name
              << "/build\n";
  }
  std::cout << "  " << command << " adapter test -- " << adapter << "\n  " << command
            << " check --jobs 2 -- " << adapter << "\n  less " << name << "/README.md\n";
}

}  // namespace

int adapter_new(const Common& common, const std::string& language, const std::string& name) {
  std::vector<std::string> languages;
  for (std::size_t i = 0; i < kTemplateCount; ++i)
    if (languages.empty() || languages.back() != kTemplates[i].language)
      languages.emplace_back(kTemplates[i].language);
  if (std::find(languages.begin(), languages.end(), language) == languages.end())
    throw UsageError("there is no language `" + language + "`; " +
                     did_you_mean(language, languages, "it is python or cpp"));
  demand_name(name);
  const Home home = find_home();
  std::error_code refused;
  fs::create_directory(name, refused);
  if (refused)
    throw UsageError("cannot make the folder `" + name + "`: " + refused.message() +
                     "; go to a folder that you may write to");
  std::cout << "Made " << name << "/:";
  for (std::size_t i = 0; i < kTemplateCount; ++i) {
    if (kTemplates[i].language != language) continue;
    std::string text = replaced(kTemplates[i].text, "/poolproof/kit", home.adapters.string());
    text = replaced(text, "/poolproof/prefix", prefix_of(home).string());
    const std::string file = replaced(kTemplates[i].name, "my_pool", name);
    write(fs::path(name) / file, replaced(text, "my_pool", name));
    std::cout << " " << file;
  }
  std::cout << "\n";
  say_what_next(common, language, name);
  return 0;
}

}  // namespace poolproof::cli
