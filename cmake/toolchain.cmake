# Compiler, warnings, sanitizers, linker, cache: everything that is the same for every target.

set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
add_library(passerelle_options INTERFACE)
target_compile_options(passerelle_options INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Werror -Wno-error=deprecated-declarations -Wno-missing-field-initializers
  -fno-omit-frame-pointer)
target_include_directories(passerelle_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(passerelle_options INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)
# g++ 12 reports these inside its own coroutine frames and inlined std::string code: false alarms (GCC PR105329, PR98021).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(passerelle_options INTERFACE -Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow
    -Wno-array-bounds -Wno-stringop-overread -Wno-mismatched-new-delete)
endif()

if(PASSERELLE_SANITIZE STREQUAL "asan")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
elseif(PASSERELLE_SANITIZE STREQUAL "tsan")
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
  # g++ says of each of Asio's fences that ThreadSanitizer does not follow it; the locks beside them it does follow.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)
  endif()
elseif(PASSERELLE_FUZZ)
  # clang 14 cannot assemble a coroutine with UBSan's `function` check.
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=function -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  # The sloppiness ccache asks for with precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  add_compile_options($<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-fpch-preprocess>)
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()
find_package(Threads REQUIRED)
