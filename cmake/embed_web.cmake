# SPDX-License-Identifier: Apache-2.0
# The page's files as a generated C++ source, so that chatd needs nothing beside itself. Plain CMake:
#   headroom_embed_web(<target> <folder>)   adds the source to the target
# and as a script, run at build time whenever a file of the page changes:
#   cmake -DFOLDER=<folder> -DNAMES=<a.html,b.js> -DOUTPUT=<file.cpp> -P embed_web.cmake

if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(HEADROOM_EMBED_WEB_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

  function(headroom_embed_web target folder)
    file(GLOB files CONFIGURE_DEPENDS ${folder}/*.html ${folder}/*.css ${folder}/*.js ${folder}/*.svg)
    list(TRANSFORM files REPLACE ".*/" "" OUTPUT_VARIABLE names)
    list(JOIN names "," names)  # in the command, so that a removed file is noticed as well
    set(generated ${CMAKE_CURRENT_BINARY_DIR}/generated/web_files.cpp)
    add_custom_command(
      OUTPUT ${generated}
      COMMAND ${CMAKE_COMMAND} -DFOLDER=${folder} -DNAMES=${names} -DOUTPUT=${generated}
              -P ${HEADROOM_EMBED_WEB_SCRIPT}
      DEPENDS ${files} ${HEADROOM_EMBED_WEB_SCRIPT}
      COMMENT "Embedding the page"
      VERBATIM)
    target_sources(${target} PRIVATE ${generated})
  endfunction()
  return()
endif()

set(content_type_html "text/html; charset=utf-8")
set(content_type_css "text/css; charset=utf-8")
set(content_type_js "text/javascript; charset=utf-8")
set(content_type_svg "image/svg+xml")

string(REPLACE "," ";" names "${NAMES}")
set(bodies "")
set(rows "")
foreach(name IN LISTS names)
  string(REGEX REPLACE ".*\\." "" suffix ${name})
  string(MAKE_C_IDENTIFIER ${name} identifier)
  set(path "/${name}")
  if(name STREQUAL "index.html")
    set(path "/")
  endif()
  file(SHA256 ${FOLDER}/${name} hash)
  string(SUBSTRING ${hash} 0 32 hash)
  # Bytes rather than a literal: no escaping to get wrong, no limit of a literal's length.
  file(READ ${FOLDER}/${name} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  string(APPEND bodies "constexpr char ${identifier}[] = {${bytes}'\\0'};\n")
  string(APPEND rows "    {\"${path}\", \"${content_type_${suffix}}\",\n"
    "     std::string_view(${identifier}, sizeof ${identifier} - 1), \"\\\"${hash}\\\"\"},\n")
endforeach()

set(source "// Made by cmake/embed_web.cmake from the files of web/.
#include \"chat/http/web_files.hpp\"

namespace headroom::chat::http {

namespace {

${bodies}
constexpr web_file files[] = {
${rows}};

}  // namespace

std::span<const web_file> web_files() {
    return files;
}

}  // namespace headroom::chat::http
")
file(WRITE ${OUTPUT} "${source}")
