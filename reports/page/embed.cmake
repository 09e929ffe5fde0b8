# Writes page_text.cc: the page's files as text inside the library. Called at build time with
# -DFOLDER= (reports/page), -DOUT=, -DSTYLES= and -DSCRIPTS= (names, in order, with commas between).
# A compiler must take at least 65,536 characters in one literal, so each file is one.
set(mark "POOLPROOF_PAGE")

function(literal file out)
  file(READ ${FOLDER}/${file} text)
  string(FIND "${text}" ")${mark}\"" found)
  string(LENGTH "${text}" length)
  if(NOT found EQUAL -1 OR length GREATER 65000)
    message(FATAL_ERROR "${file}: too long for one literal, or it holds its closing mark")
  endif()
  set(${out} "R\"${mark}(${text})${mark}\"" PARENT_SCOPE)
endfunction()

# The files of a list, as the items of an initializer list.
function(literals names out)
  string(REPLACE "," ";" names "${names}")
  foreach(name ${names})
    literal(${name} one)
    string(APPEND all "\n    ${one},")
  endforeach()
  set(${out} "${all}" PARENT_SCOPE)
endfunction()

literal(index.html template)
literals("${STYLES}" styles)
literals("${SCRIPTS}" scripts)

file(WRITE ${OUT} "// Made by reports/page/embed.cmake of the files beside it.
#include \"reports/page_text.h\"

#include <initializer_list>
#include <string>

namespace poolproof::reports::page_text {
namespace {

using Files = std::initializer_list<std::string_view>;

std::string joined(const Files& files) {
  std::string text;
  for (const std::string_view file : files) text += file;
  return text;
}

// One after the other, as if they were one file.
const std::string all_styles = joined(Files{${styles}});
const std::string all_scripts = joined(Files{${scripts}});

}  // namespace

const std::string_view kTemplate = ${template};
const std::string_view kStyle = all_styles;
const std::string_view kScript = all_scripts;

}  // namespace poolproof::reports::page_text
")
