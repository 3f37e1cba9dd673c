# The layer rule. passerelle_layer(auth MAY_USE base config store SOURCES ... LIBRARIES ...) makes the library
# `auth`, links it to what it may use, and fails the build when one of its files includes another floor.

set_property(GLOBAL PROPERTY passerelle_floors base config store auth spawners proxy chp hub web tests bench)

# passerelle_check_includes(<target> <folder> ALLOWED <folders...>): every #include "x/..." of <folder> names an allowed x.
function(passerelle_check_includes target folder)
  cmake_parse_arguments(A "" "" "ALLOWED" ${ARGN})
  get_property(floors GLOBAL PROPERTY passerelle_floors)
  set(stamp ${CMAKE_BINARY_DIR}/layers/${target}.stamp)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.hpp ${CMAKE_SOURCE_DIR}/${folder}/*.cpp)
  string(JOIN "," allowed ${A_ALLOWED} ${folder})
  string(JOIN "," all_floors ${floors})
  add_custom_command(OUTPUT ${stamp}
    COMMAND ${CMAKE_COMMAND} -DFOLDER=${folder} -DALLOWED=${allowed} -DFLOORS=${all_floors}
            -DROOT=${CMAKE_SOURCE_DIR} -DSTAMP=${stamp} -P ${CMAKE_SOURCE_DIR}/cmake/check_layer.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/check_layer.cmake
    COMMENT "layer check: ${folder}" VERBATIM)
  add_custom_target(layers_${target} ALL DEPENDS ${stamp})
  add_dependencies(${target} layers_${target})
endfunction()

function(passerelle_layer name)
  cmake_parse_arguments(L "NO_PCH" "" "MAY_USE;SOURCES;LIBRARIES" ${ARGN})
  add_library(${name} STATIC ${L_SOURCES})
  target_link_libraries(${name} PUBLIC passerelle_options ${L_MAY_USE} ${L_LIBRARIES})
  if(NOT L_NO_PCH AND NOT name STREQUAL "base")
    target_precompile_headers(${name} REUSE_FROM base)
  endif()
  passerelle_check_includes(${name} ${name} ALLOWED ${L_MAY_USE})
endfunction()
