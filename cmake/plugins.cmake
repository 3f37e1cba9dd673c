# passerelle_plugins(<layer> dummy ldap ...): adds each folder of the list. A folder that finds its libraries calls
# passerelle_plugin(<layer> <name> SOURCES ... LIBRARIES ...); one that does not says so and is left out. The names
# that are in reach the code as <layer>_plugins.inc, one PLUGIN(name) a line, which <layer>/registry.cpp includes.

function(passerelle_plugins layer)
  set_property(GLOBAL PROPERTY passerelle_${layer}_plugins "")
  foreach(name IN LISTS ARGN)
    add_subdirectory(${name})
  endforeach()
  get_property(names GLOBAL PROPERTY passerelle_${layer}_plugins)
  set(text "")
  foreach(name IN LISTS names)
    string(APPEND text "PLUGIN(${name})\n")
  endforeach()
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/${layer}_plugins.inc CONTENT "${text}" @ONLY)
  target_include_directories(${layer} PRIVATE ${CMAKE_BINARY_DIR}/generated)
endfunction()

function(passerelle_plugin layer name)
  cmake_parse_arguments(P "" "" "SOURCES;LIBRARIES" ${ARGN})
  list(TRANSFORM P_SOURCES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  target_sources(${layer} PRIVATE ${P_SOURCES})
  if(P_LIBRARIES)
    target_link_libraries(${layer} PUBLIC ${P_LIBRARIES})
  endif()
  set_property(GLOBAL APPEND PROPERTY passerelle_${layer}_plugins ${name})
endfunction()
