// `poolproof adapter new --lang LANG NAME`: makes a folder with a small pool and its adapter, both
// runnable.
#pragma once

#include <cstddef>
#include <string>

#include "conformance/cli/commands.h"

namespace poolproof::cli {

struct Template {
  const char* language;
  const char* name;  // of the file
  const char* text;
};
extern const Template kTemplates[];  // the files below new/, embedded by the build
extern const std::size_t kTemplateCount;

// Makes the folder NAME in the current folder. Throws UsageError if it would overwrite anything.
int adapter_new(const Common& common, const std::string& language, const std::string& name);

}  // namespace poolproof::cli
