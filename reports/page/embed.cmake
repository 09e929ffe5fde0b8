# Writes page_text.cc: the page's files as text inside the library. Called at build time with
# -DFOLDER= (reports/page), -DOUT=, -DSCRIPTS= (names, in order, with commas between them).
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

literal(index.html template)
literal(page.css style)
string(REPLACE "," ";" SCRIPTS "${SCRIPTS}")
foreach(name ${SCRIPTS})
  literal(${name} one)
  string(APPEND scripts "    ${one},\n")
endforeach()

file(WRITE ${OUT} "// Made by reports/page/embed.cmake of the files beside it.
#include \"reports/page_text.h\"

#include <initializer_list>
#include <string>

namespace poolproof::reports::page_text {
namespace {

// One after the other, as if they were one file.
const std::string& all_scripts() {
  static const std::string text = [] {
    std::string joined;
    for (const std::string_view script : std::initializer_list<std::string_view>{
${scripts}    })
      joined += script;
    return joined;
  }();
  return text;
}

}  // namespace

const std::string_view kTemplate = ${template};
const std::string_view kStyle = ${style};
const std::string_view kScript = all_scripts();

}  // namespace poolproof::reports::page_text
")
