#!/bin/sh
# Runs the fuzzers one after the other; stops at the first that finds something.
#
#     run.sh PROGRAM FOLDER SECONDS [TARGET…]
#
# FOLDER keeps the inputs that reach new code, for the next run, and what was found.
set -u
program=$(realpath "$1")
folder=$2
seconds=$3
shift 3
[ $# -gt 0 ] || set -- model snapshot pattern checkpoint import corpus
here=$(dirname "$0")
# The backtrace of a crash can hang, and libFuzzer's own limits with it.
export SWIFT_BACKTRACE=enable=no
for target in "$@"; do
    mkdir -p "$folder/$target"
    FUZZ_TARGET=$target timeout -s KILL $((seconds + 60)) "$program" "$folder/$target" "$here/Seeds/$target" \
        -dict="$here/Dictionaries/$target.txt" -artifact_prefix="$folder/$target-" -max_total_time="$seconds" \
        -max_len=8192 -timeout=1 -rss_limit_mb=1024 -malloc_limit_mb=64 -print_final_stats=1 \
        >"$folder/$target.log" 2>&1 || { tail -40 "$folder/$target.log"; echo "FAILED: $target"; exit 1; }
    sed -n 's/^stat::number_of_executed_units: *//p' "$folder/$target.log" |
        while read -r runs; do echo "ok: $target, $runs executions in $seconds s"; done
done
