// `poolproof adapter new --lang LANG NAME`: a folder with a small pool and its adapter, which run.
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
extern const Template kTemplates[];  // the files below new/, as the build found them
extern const std::size_t kTemplateCount;

// Makes the folder NAME here. Refuses, as UsageError, to write over anything.
int adapter_new(const Common& common, const std::string& language, const std::string& name);

}  // namespace poolproof::cli
