#!/bin/sh
# Compares the binary interface of include/chargen.h with the recorded one, abi/chargen.abi.
# Functions and constants may be added; none may be removed or changed. Then the check proves that
# it can fail, on copies of the header with planted changes.
#
#     abi.sh [--write]
#
# With --write it records the interface instead; docs/release.md says when.
#
# abidw and abidiff read types from debug information, which libchargen.so does not have. They read
# a stub instead: a library that defines each function of the header with an empty body, and a
# variable of each enumeration.
set -u
cd "$(dirname "$0")/../.." || exit 1
header=include/chargen.h
baseline=Tests/LibraryTests/abi/chargen.abi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# stub HEADER: builds $work/stub.so.
stub() {
    gcc -E -P "$1" | sed -zE '
        s/(\bchargen_\w+\([^;]*\));/\1 {}/g
        s/\benum \{(\s*(\w+)[^}]*)\};/enum values_from_\2 {\1} values_from_\2;/g' >"$work/stub.c" \
        && gcc -g -w -shared -fPIC "$work/stub.c" -o "$work/stub.so"
}

# compare: prints the differences from the baseline. Returns abidiff's status, a sum of 1 (error),
# 2 (wrong usage), 4 (changed) and 8 (incompatible: a function is missing).
compare() { abidiff --no-architecture --no-added-syms "$baseline" "$work/stub.so"; }

stub "$header" || exit 1
if [ "${1:-}" = --write ]; then
    # Without the paths and the processor of this machine.
    abidw --no-corpus-path --no-comp-dir-path --short-locs --no-show-locs --no-architecture --no-elf-needed \
        --no-parameter-names "$work/stub.so" --out-file "$baseline"
    exit
fi
if compare; then
    echo 'ok: the binary interface is compatible with the recorded one'
else
    echo "FAILED: the binary interface differs from $baseline; docs/release.md says what to do" >&2
    exit 1
fi

# planted CHANGE BITS SUBSTITUTION: abidiff must report the change, with these bits in its status.
planted() {
    sed "$3" "$header" >"$work/chargen.h"
    stub "$work/chargen.h" || exit 1
    compare >"$work/report"
    status=$?
    if [ $((status & 3)) = 0 ] && [ $((status & $2)) = "$2" ]; then
        echo "ok: it notices $1"
    else
        echo "FAILED: abidiff returns $status for $1"
        cat "$work/report"
        exit 1
    fi
}
planted 'a removed function' 8 '/^int32_t chargen_session_ended(/d'
planted 'a changed type of a parameter' 4 '/^chargen_status chargen_session_set_seed(/s/uint64_t/uint32_t/'
planted 'a changed value of a constant' 4 's/CHARGEN_INVALID_UTF8 = 6/CHARGEN_INVALID_UTF8 = 16/'
