# Joins text files into a string constant of a C++ source, with its SHA-256. Run as a script:
#   cmake -DOUTPUT=assets.cpp -DHEADER=morula/report/assets.hpp -DNAMESPACE=morula::report \
#         -DkScript=a.js,b.js -DkStyleSheet=report.css -DNAMES=kScript,kStyleSheet -DFOLDER=assets -P embed.cmake
# The texts may hold anything but the raw string's end mark: they are never split into CMake lists.
cmake_minimum_required(VERSION 3.25)

set(mark "embedded")
set(source "// Made by cmake/embed.cmake from ${FOLDER}; do not edit.\n#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n")
string(REPLACE "," ";" names "${NAMES}")
foreach(name IN LISTS names)
  string(REPLACE "," ";" files "${${name}}")
  set(text "")
  foreach(file IN LISTS files)
    file(READ "${FOLDER}/${file}" content)
    string(APPEND text "${content}")
  endforeach()
  string(FIND "${text}" ")${mark}\"" end)
  if(NOT end EQUAL -1)
    message(FATAL_ERROR "${name}: the text holds the raw string's end mark.")
  endif()
  string(SHA256 digest "${text}")
  # Compilers may limit one literal to 64 kB, so long texts are several neighbouring literals.
  string(LENGTH "${text}" length)
  string(APPEND source "const std::string_view ${name} =")
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${text}" ${at} 12000 part)
    string(APPEND source "\n    R\"${mark}(${part})${mark}\"")
    math(EXPR at "${at} + 12000")
  endwhile()
  string(APPEND source ";\nconst std::string_view ${name}Sha256 = \"${digest}\";\n")
endforeach()
string(APPEND source "}  // namespace ${NAMESPACE}\n")
file(WRITE "${OUTPUT}" "${source}")
