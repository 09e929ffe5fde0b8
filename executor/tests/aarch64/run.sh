#!/usr/bin/env bash
# Runs the executor's tests, built for 64-bit ARM, under qemu-user: run.sh BUILD_FOLDER
#
# A worker is an ARM program that an ARM program starts, so the kernel must know how to run it. This
# is set up in a separate namespace, so that nothing on this machine changes.
set -euo pipefail
build=$(realpath "$1")
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")

if [[ ${2-} != inside ]]; then
  exec unshare --user --map-root-user --mount "$here/run.sh" "$build" inside
fi

mount -t binfmt_misc none /proc/sys/fs/binfmt_misc || {
  echo "run.sh: this kernel gives no namespace its own binfmt_misc (Linux 6.7 and later do)" >&2
  exit 1
}
# P: argv[0] is kept, because it marks a worker. F: qemu is opened now.
printf '%s' ':aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:' \
  '\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:' \
  '/usr/bin/qemu-aarch64-static:PF' >/proc/sys/fs/binfmt_misc/register

# The tests that are left out, by name, each with its reason.
left_out() {
  cat <<'TEXT'
Programs.a_worker_that_is_killed_while_it_writes*  looks into /proc/PID/syscall: numbers of the host
Idle.nothing_is_timed_and_nothing_polls  looks there, too
WorkerStart.has_the_default_signals_and_no_mark*  qemu hands the environment on in another order
Deadline.ends_a_task_that_loops_for_ever*  its deadline is less than a worker's start may take here
SubmitPrivilege.*  becomes another user, and the namespace has but one
TEXT
}

export QEMU_LD_PREFIX=/usr/aarch64-linux-gnu
export QEMU_SET_ENV=LD_PRELOAD=$build/executor/tests/libpoolproof_own_path.so
ulimit -c 0  # qemu writes a core for each worker that a test crashes
filter=-$(left_out | awk '{print $1}' | paste -sd:)
status=0
for program in executor_unit_test executor_loop_test executor_process_test executor_program_test \
  executor_guide_test; do
  echo "== $program"
  timeout -k 2 1200 "$build/bin/$program" --gtest_filter="$filter" --gtest_brief=1 || status=1
done
exit $status
