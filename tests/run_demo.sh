#!/bin/sh
# The manual demo of the documentation, unattended: two jobs, one of which never will go well, its dead letter, its
# revival. Exits 0 if all went as the documentation says.
set -eu
root=$(CDPATH='' cd -P -- "$(dirname -- "$0")/.." && pwd -P)
directory=$(mktemp -d)
export QUEUECTL_DB="$directory/queue.db"
queuectl="$root/bin/queuectl"
trap '"$queuectl" worker stop --now >/dev/null 2>&1 || :; rm -rf "$directory"' EXIT
trap 'exit 130' INT TERM

say() { printf '\n$ queuectl %s\n' "$*"; }
run() {
    say "$@"
    "$queuectl" "$@"
}
expect() { # what the last command must have printed
    printf '%s\n' "$2" | grep -q -- "$1" || { echo "run_demo: expected $1" >&2; exit 1; }
}

say worker start --count 1 '&'
"$queuectl" worker start --count 1 &
worker=$!
run enqueue '{"id":"demo1","command":"echo Hello","max_retries":2}'
run enqueue '{"id":"demo2","command":"nonexistent-cmd","max_retries":2}'
# Three attempts with waits of 0.5 and 1 second between them; exits with 1, for a job ended in the dead letter queue.
say wait demo1 demo2 --timeout 30
"$queuectl" wait demo1 demo2 --timeout 30 || [ $? -eq 1 ]
run status
run list
listed=$("$queuectl" list)
expect 'demo1 *completed' "$listed"
expect 'demo2 *dead' "$listed"
run dlq list
expect demo2 "$("$queuectl" dlq list)"
run show demo1
expect Hello "$("$queuectl" logs demo1)"
run dlq retry demo2
"$queuectl" dlq list --json | grep -q demo2 && { echo "run_demo: demo2 was not revived" >&2; exit 1; }
run worker stop
wait "$worker"
printf '\nAll as it should be.\n'
