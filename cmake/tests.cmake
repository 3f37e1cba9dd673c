# passerelle_test(<name> LABEL unit SOURCES ... LIBRARIES ...): one test program and one ctest entry per program
# (GoogleTest starts in milliseconds; an entry per case would cost more than the cases).
function(passerelle_test name)
  cmake_parse_arguments(T "NO_PCH" "LABEL;TIMEOUT" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${T_SOURCES})
  target_link_libraries(${name} PRIVATE passerelle_options ${T_LIBRARIES} GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data" BUILD_DIR="${CMAKE_BINARY_DIR}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(NOT T_NO_PCH)
    target_precompile_headers(${name} REUSE_FROM base)
  endif()
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 120)
  endif()
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
  set_tests_properties(${name} PROPERTIES LABELS ${T_LABEL} TIMEOUT ${T_TIMEOUT})
endfunction()

# passerelle_script_test(<name> LABEL e2e COMMAND ...): a test that is a script and drives the real program.
function(passerelle_script_test name)
  cmake_parse_arguments(T "" "LABEL;TIMEOUT" "COMMAND" ${ARGN})
  add_test(NAME ${name} COMMAND ${T_COMMAND} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS ${T_LABEL} TIMEOUT ${T_TIMEOUT}
    ENVIRONMENT "PASSERELLE=${CMAKE_BINARY_DIR}/passerelle;ARTEFACTS=${CMAKE_BINARY_DIR}/artefacts;SANITIZER=${PASSERELLE_SANITIZE}")
endfunction()
