# find_package(poolproof) gives
#   poolproof::executor         the executor as a static library (a program that links it needs the
#                               --wrap option that comes with this target)
#   poolproof::executor_shared  the same as a shared library; link the program itself to it
#   poolproof::adapter_kit      for the author of an adapter in C++: <poolproof/adapter/serve.h>
#   poolproof::poolproof        the command
#   poolproof_add_conformance   a ctest test of your own pool for each scenario
get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
if(CXX IN_LIST languages)  # a project in another language may well have a pool to be judged
  include(CMakeFindDependencyMacro)
  find_dependency(Threads)
  find_dependency(cereal)
  find_package(nlohmann_json QUIET)  # for the kit alone: missed only by who links it
endif()

include("${CMAKE_CURRENT_LIST_DIR}/poolproof-targets.cmake")
if(TARGET poolproof::poolproof)
  get_target_property(POOLPROOF_COMMAND poolproof::poolproof LOCATION)
  include("${CMAKE_CURRENT_LIST_DIR}/poolproof_add_conformance.cmake")
endif()
