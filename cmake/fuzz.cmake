# passerelle_fuzz(<name> LIBRARIES ... [ROUNDS n]): tests/fuzz/<name>.cpp defines LLVMFuzzerTestOneInput.
# Everywhere it becomes a ctest entry (label unit) that replays tests/data/fuzz/<name>/, each file and each of its
# beginnings, and n changed ones (see replay.cpp). In the preset `fuzz` it also becomes the libFuzzer program fuzz_<name>:
#   build/fuzz/fuzz/fuzz_<name> -max_total_time=60 <a corpus folder> tests/data/fuzz/<name>
function(passerelle_fuzz name)
  cmake_parse_arguments(F "" "ROUNDS" "LIBRARIES" ${ARGN})
  if(NOT F_ROUNDS)
    set(F_ROUNDS 1000000)
  endif()
  set(seeds ${CMAKE_SOURCE_DIR}/tests/data/fuzz/${name})
  add_executable(replay_${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/${name}.cpp ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.cpp)
  target_link_libraries(replay_${name} PRIVATE passerelle_options ${F_LIBRARIES})
  set_target_properties(replay_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME replay_${name} COMMAND replay_${name} ${seeds} ${F_ROUNDS})
  set_tests_properties(replay_${name} PROPERTIES LABELS unit TIMEOUT 600)
  if(PASSERELLE_FUZZ)
    add_executable(fuzz_${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/${name}.cpp)
    target_link_libraries(fuzz_${name} PRIVATE passerelle_options ${F_LIBRARIES})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  endif()
endfunction()
