# poolproof_add_conformance(NAME mypool COMMAND ./adapter [ARG...]
#                           [LEVEL must|should|informs] [SCENARIOS PATTERN] [TIMEOUT SECONDS])
#
# Adds one test for each scenario, `mypool/SCENARIO`, with the label `conformance`. A test passes if
# the pool that this adapter drives keeps the claim. It fails if the pool does not, or if nothing
# was proved. It is skipped if the pool or this machine lacks an ability that the scenario needs.
#
# COMMAND    starts the adapter. Its first word may be a target of this project. A word that begins
#            with ./ or ../ is a file of the current source folder, or else of its build folder.
# LEVEL      the level that must pass in a test (default: must)
# SCENARIOS  only those whose name matches, as 'death/*' (default: all)
# TIMEOUT    of one test, which makes up to three attempts of a failing scenario (default: 300)
#
# The record of each test is BUILD_FOLDER/poolproof/mypool/SCENARIO/events.ndjson. The option ctest
# --output-on-failure shows what the test printed, including evidence and replay line.
function(poolproof_add_conformance)
  cmake_parse_arguments(PARSE_ARGV 0 P "" "NAME;LEVEL;SCENARIOS;TIMEOUT" "COMMAND")
  set(P_UNPARSED_ARGUMENTS "${P_UNPARSED_ARGUMENTS}")
  foreach(needed NAME COMMAND)
    if("${P_${needed}}" STREQUAL "")
      message(FATAL_ERROR "poolproof_add_conformance: ${needed} is missing; as in\n"
        "  poolproof_add_conformance(NAME mypool COMMAND ./adapter)")
    endif()
  endforeach()
  if(P_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "poolproof_add_conformance: it knows no `${P_UNPARSED_ARGUMENTS}`; its "
      "words are NAME, COMMAND, LEVEL, SCENARIOS and TIMEOUT")
  endif()
  if("${P_LEVEL}" STREQUAL "")
    set(P_LEVEL must)
  elseif(NOT P_LEVEL MATCHES "^(must|should|informs)$")
    message(FATAL_ERROR
      "poolproof_add_conformance: there is no LEVEL `${P_LEVEL}`; it is must, should or informs")
  endif()
  if("${P_SCENARIOS}" STREQUAL "")
    set(P_SCENARIOS "*")
  endif()
  if("${P_TIMEOUT}" STREQUAL "")
    set(P_TIMEOUT 300)
  endif()

  set(command)
  foreach(word IN LISTS P_COMMAND)
    if("${command}" STREQUAL "" AND TARGET ${word})
      set(word $<TARGET_FILE:${word}>)
    elseif(word MATCHES "^[.][.]?/")
      if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${word})
        file(REAL_PATH ${word} word BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
      else()
        file(REAL_PATH ${word} word BASE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
      endif()
    endif()
    list(APPEND command ${word})
  endforeach()

  # The command itself says which scenarios there are, and what is wrong with a pattern.
  execute_process(COMMAND ${POOLPROOF_COMMAND} scenarios --json --scenario ${P_SCENARIOS}
                  OUTPUT_VARIABLE list ERROR_VARIABLE problem RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    string(STRIP "${problem}" problem)
    message(FATAL_ERROR "poolproof_add_conformance(NAME ${P_NAME}): ${problem} (${status})")
  endif()
  string(JSON count LENGTH "${list}")
  if(count EQUAL 0)
    message(FATAL_ERROR "poolproof_add_conformance(NAME ${P_NAME}): no scenario matches "
      "`${P_SCENARIOS}`; `poolproof scenarios` lists them")
  endif()
  math(EXPR last "${count} - 1")
  foreach(index RANGE ${last})
    string(JSON scenario GET "${list}" ${index} name)
    set(test ${P_NAME}/${scenario})
    add_test(NAME ${test}
             COMMAND ${POOLPROOF_COMMAND} check --scenario ${scenario} --level ${P_LEVEL}
                     --out ${CMAKE_CURRENT_BINARY_DIR}/poolproof/${test} -- ${command})
    set_tests_properties(${test} PROPERTIES LABELS conformance SKIP_RETURN_CODE 77
                                            TIMEOUT ${P_TIMEOUT})
  endforeach()
endfunction()
