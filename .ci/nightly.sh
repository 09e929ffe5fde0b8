# Sourced by ./dev: checks that take too long to wait for with each change.

nightly() {
  local minutes=10 steps="clang|aarch64|races|calls|table|model|soak|simulation|defects"
  if [[ ${1-} =~ ^($steps)$ && $# -eq 1 ]]; then
    "nightly_$1"
    return
  elif [[ ${1-} == --minutes && ${2-} =~ ^[1-9][0-9]*$ && $# -eq 2 ]]; then
    minutes=$2
  elif [[ $# -ne 0 ]]; then
    wrong "nightly takes nothing, one step (clang, aarch64, races, calls, table, model, soak," \
      "simulation, defects), or --minutes N"
  fi
  # Each check is a separate process, so that the end of one does not end the whole night.
  try "every test" ./dev test
  try "clang builds everything, and what it makes of the executor passes" ./dev nightly clang
  try "clang-tidy" ./dev tidy
  try "the executor on aarch64, under qemu-user" ./dev nightly aarch64
  try "races, again and again" ./dev nightly races
  try "every system call refused in turn" ./dev nightly calls
  try "the table of broken pools" ./dev nightly table
  try "simulation: new seeds, and two strikes in one history" ./dev nightly simulation
  try "planted defects" ./dev nightly defects
  try "the executor against its model" ./dev nightly model
  try "soak, 10 min" ./dev nightly soak
  try "libFuzzer, $minutes min" ./dev fuzz $((minutes * 60))
  tell_failures
}

nightly_clang() {
  set_up
  build clang
  try "executor" test_room clang executor
  try "fuzz" test_room clang fuzz
  tell_failures
}

nightly_aarch64() {
  set_up g++-aarch64-linux-gnu qemu-user-static googletest
  build aarch64
  executor/tests/aarch64/run.sh build/aarch64
}

# Results that depend on which thread or process is faster get many chances to fail.
nightly_races() {
  set_up
  build release executor/all
  build tsan executor/all
  try "real processes" again release executor_process_test 100
  try "the loop" again release executor_loop_test 500
  try "futures" again release executor_unit_test 100
  try "threads" again release executor_threads_test 100
  try "real processes, tsan" again tsan executor_process_test 20
  try "futures, tsan" again tsan executor_unit_test 20
  tell_failures
}

nightly_calls() {  # not only those that the executor makes
  set_up
  build release poolproof_seccomp_program
  POOLPROOF_ALL_CALLS=1 .venv/bin/python -m pytest -n "$(nproc)" executor/tests/seccomp_test.py
}

nightly_table() {  # every scenario on every broken pool, against what the page says
  set_up
  build release
  POOLPROOF_NIGHTLY=1 .venv/bin/python -m pytest -v conformance/cli/broken_table_test.py
}

nightly_simulation() {
  set_up
  build release simulate
  local simulate=build/release/bin/simulate variant
  # A million apart, so that no night repeats the seeds of another night.
  try "random" "$simulate" random --histories 3000000 --seed "$(date +%s)000000"
  try "every path, one strike" "$simulate" all
  for variant in plain breaks retries deadlines initializer "kills refused" "kills useless" \
    "workers refuse"; do
    try "every path, two strikes: $variant" "$simulate" all --strikes 2 --variant "$variant"
  done
  tell_failures
}

nightly_defects() {  # each must be noticed by somebody
  set_up
  .venv/bin/python fuzz/simulation/defects/plant.py
}

nightly_model() {
  set_up
  build release executor_model_test
  POOLPROOF_MODEL_CASES=2000 build/release/bin/executor_model_test
}

nightly_soak() {  # new faults each night; what it prints names the seed
  set_up
  build release poolproof_soak
  build/release/bin/poolproof_soak --seconds 600 --seed "$(date +%s)"
}

again() {  # PRESET PROGRAM TIMES
  local log=$logs/again-$1-$2.log
  # The same as CMakeLists.txt sets for ctest: a sanitizer must not turn a worker's SIGSEGV into
  # exit(1).
  local deaths=handle_segv=0:handle_abort=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0
  local tsan=$deaths:halt_on_error=1:suppressions=$PWD/.ci/tsan.supp
  TSAN_OPTIONS=$tsan "build/$1/bin/$2" --gtest_repeat="$3" --gtest_shuffle \
    --gtest_brief=1 --gtest_break_on_failure >"$log" 2>&1 && return
  tail -n 60 "$log"
  say "whole log: $log"
  return 1
}
