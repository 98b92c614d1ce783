#!/bin/sh
# Tests of the built library from C and Python. Prints a line for each check; stops at the first
# failure.
#
#     run.sh [--write] LIBRARY TRAINER [MODEL]
#
# MODEL is a model of names with an end-of-document symbol. With --write it runs no tests, but
# records the hashes of this library and processor in conformance.txt.
set -u
record=''
if [ "${1:-}" = --write ]; then
    record=yes
    shift
fi
library=$(realpath "$1")
trainer=$(realpath "$2")
folder=$(dirname "$library")
model=$(realpath "${3:-$folder/place-names.cgw}")
cd "$(dirname "$0")/../.." || exit 1
. Tests/checks.sh
unset CHARGEN_BACKEND

same_file() { cmp "$1" "$2"; }

build() {
    "$1" "$2" -L"$folder" -lchargen -lm -pthread -Wl,-rpath,"$folder" -o "$3"
}
c99() { gcc -std=c99 -Wall -Wextra -Werror -pedantic -O1 -Iinclude -ITests/LibraryTests "$@"; }
cpp() { g++ -Wall -Wextra -Werror -pedantic -O1 -Iinclude -ITests/LibraryTests "$@"; }

python() { PYTHONPATH=examples/python:Tests/LibraryTests CHARGEN_LIBRARY=$library PYTHONDONTWRITEBYTECODE=1 python3 "$@"; }

mkdir "$work/models"
random_models "$work/models" || exit 1

if [ "$record" ]; then
    build c99 Tests/LibraryTests/conformance.c "$work/conformance" || exit 1
    "$work/conformance" all "$work"/models/* >"$work/text" || { cat "$work/text"; exit 1; }
    exec cp "$work/text" Tests/LibraryTests/conformance.txt
fi

# ---- The file itself ----

needed() { readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort | tr '\n' ' '; }
loaded() { ldd "$library" | awk '{ print $1 }' | grep -Ev '^(linux-vdso\.so\.1|libc\.so\.6|libm\.so\.6|/.*/ld-linux.*)$'; }
needs_libc_only() {
    for needs in $(needed); do
        case $needs in libc.so.6 | libm.so.6) ;; *) echo "needs $needs"; return 1 ;; esac
    done
    same '' "$(loaded)"
}
check 'it needs libc and libm only' needs_libc_only

dynamic() { readelf -dW "$library"; }
searches_nowhere() { ! dynamic | grep -E 'RPATH|RUNPATH'; }
check 'it names no folder to search for libraries' searches_nowhere
stays_loaded() { dynamic | grep -q 'Flags:.* NODELETE'; }
check 'dlclose() leaves it loaded' stays_loaded
# What the C runtime and the thread pool may find missing.
weak() { nm -D "$library" | awk '$1 == "w" { sub(/@.*/, "", $2); print $2 }' | grep -v '^_' | tr '\n' ' '; }
check 'it calls nothing that its host may have' same 'pthread_create pthread_join pthread_sigmask ' "$(weak)"
shadow_stack() { [ "$(uname -m)" != x86_64 ] || readelf -nW "$library" | grep -q SHSTK; }
check 'it allows a shadow stack' shadow_stack

declared() { grep -oE '\bchargen_[a-z0-9_]+\(' include/chargen.h | tr -d '(' | sort -u; }
exported() { nm -D --defined-only "$library" | awk '{ print $3 }' | sort; }
check 'it exports the functions of the header, all of them and nothing else' same "$(declared)" "$(exported)"

check 'it has less than 700,000 bytes' test "$(stat -Lc %s "$library")" -lt 700000

soname() { readelf -d "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p'; }
check 'its soname is libchargen.so.2' same libchargen.so.2 "$(soname)"
check 'the soname leads to it' same_file "$library" "$folder/libchargen.so.2"

hardened() {
    readelf -lW "$library" | grep -q GNU_RELRO && readelf -d "$library" | grep -q NOW \
        && ! readelf -d "$library" | grep -q TEXTREL
}
check 'it is bound at load and then read-only' hardened

# All modules have copies of some functions, such as those of the Swift runtime. If the linker kept
# the copy of a module compiled for AVX2 or AVX-512, older processors would meet illegal
# instructions. The map lists each object's sections, and below each section its functions.
foreign_functions() {
    awk '/\.o:\(/ { inside = /KernelsAVX[0-9]+\.build.*:\(\.text/; next }
        inside && $NF !~ /^\$e[0-9]+KernelsAVX/ { print $NF }' "$folder/libchargen.map"
}
check 'modules for newer processors give it nothing but their kernels' same '' "$(foreign_functions)"
check 'the map of the link names those kernels' grep -q 'KernelsAVX512.*addInt8Product' "$folder/libchargen.map"

# ---- C and C++ programs ----

echo '#include <chargen.h>' >"$work/alone.c"
for compiler in gcc clang; do
    command -v $compiler >/dev/null || { echo "skipped: the header with $compiler"; continue; }
    for language in c/c89 c/c99 c/c11 c++/c++11 c++/c++20; do
        check "the header compiles by itself as ${language#*/} with $compiler" $compiler -x ${language%/*} \
            -std=${language#*/} -pedantic -Wall -Wextra -Wconversion -Werror -Iinclude -c "$work/alone.c" -o "$work/alone.o"
    done
done
check 'the header says what it ought to of each function' python Tests/LibraryTests/header.py include/chargen.h

# Where functions of the program are hidden, those of the header are not. A deprecated one gives a
# warning.
cat >"$work/marks.c" <<'END'
#pragma GCC visibility push(hidden)
#include <chargen.h>
int visible(void);
int visible(void) { return (int)chargen_version_number(); }
#pragma GCC visibility pop
int deprecated(void) CHARGEN_DEPRECATED("visible()");
int use(void);
int use(void) { return deprecated(); }
END
marks() {
    gcc -Iinclude -fPIC -c "$work/marks.c" -o "$work/marks.o" 2>"$work/errors" || { cat "$work/errors"; return 1; }
    grep -q 'deprecated: visible()' "$work/errors" || { cat "$work/errors"; return 1; }
    readelf -sW "$work/marks.o" | grep -q 'DEFAULT.*UND chargen_version_number'
}
check "the header's marks of visibility and deprecation work" marks

# The first code block of the header's introduction.
sed -n '/^ \*     #include <chargen.h>/,/^ \*     }$/s/^ \*     \{0,1\}//p' include/chargen.h >"$work/introduction.c"
for source in "$work/introduction.c" examples/c/*.c Tests/LibraryTests/*.c; do
    name=$(basename "$source" .c)
    check "$name.c compiles as C99 without a warning" build c99 "$source" "$work/$name"
    cp "$source" "$work/$name.cc"
    check "$name.c compiles as C++ without a warning" build cpp "$work/$name.cc" "$work/$name++"
done

clean() { valgrind -q --error-exitcode=9 --leak-check=full "$@" >"$work/text" 2>"$work/errors" || { cat "$work/errors"; return 1; }; }
cp "$model" "$work/model.cgw"
introduction() { (cd "$work" && clean ./introduction) && test -s "$work/text"; }
check "the header's example runs clean under valgrind" introduction
check 'stream runs clean under valgrind' clean "$work/stream" "$model" '' 200
check 'stream as C++ runs clean under valgrind' clean "$work/stream++" "$model" '' 200
check 'names runs clean under valgrind' clean "$work/names" "$model" 10 1 examples/place-names.txt
check 'names as C++ runs clean under valgrind' clean "$work/names++" "$model" 10 1 examples/place-names.txt
check 'many runs clean under valgrind' clean "$work/many" "$model" 20
check 'many as C++ runs clean under valgrind' clean "$work/many++" "$model" 20
head -c 1000 examples/place-names.txt >"$work/names.txt"
packed() { clean "$work/compress" "$model" <"$work/names.txt" && cp "$work/text" "$work/packed"; }
unpacked() { clean "$work/compress++" -d "$model" <"$work/packed" && cmp "$work/text" "$work/names.txt"; }
check 'compress runs clean under valgrind' packed
check 'compress as C++ runs clean under valgrind, and gives the text back' unpacked
surprising() { clean "$work/surprising$1" "$model" <"$work/names.txt"; }
check 'surprising runs clean under valgrind' surprising ''
check 'surprising as C++ runs clean under valgrind' surprising ++
check 'pattern runs clean under valgrind' clean "$work/pattern" "$model" '[A-Z][a-z]{2,5}(-on-[A-Z][a-z]+)?' 20
check 'pattern as C++ runs clean under valgrind' clean "$work/pattern++" "$model" '[A-Z].*' 5
check 'save runs clean under valgrind' clean "$work/save" "$model" "$work/saved" 20
check 'save as C++ runs clean under valgrind' clean "$work/save++" "$model" "$work/saved" 20
cpp_tests() {
    "$1" "-std=$2" -Wall -Wextra -Wconversion -Werror -pedantic -O1 -Iinclude Tests/LibraryTests/cpp.cc \
        -L"$folder" -lchargen -Wl,-rpath,"$folder" -o "$work/cpp" && clean "$work/cpp" "$model" "$work/models/lstm-labels.cgw"
}
for standard in c++17 c++20; do
    for compiler in g++ clang++; do
        if command -v $compiler >/dev/null; then
            check "the classes of chargen.hpp pass their tests as $standard with $compiler" cpp_tests $compiler $standard
        fi
    done
done
check 'hostile arguments and damaged models get a status' "$work/api" "$model" 2000
for weights in f32 bf16 int8 int4; do
    check "so do damaged models of $weights weights" "$work/api" "$work/models/lstm-$weights.cgw" 500
done
check 'hostile arguments and damaged models run clean under valgrind' clean "$work/api++" "$work/models/gru-int8.cgw" 40
# The most that a file's header may say, but for the sizes of weights.
python -c 'import sys, random_model as random
characters = [chr(code) for code in range(0x20, 0x110000) if not 0xD800 <= code < 0xE000][:65535]
provenance = "\"" + "x" * (2**20 - 2) + "\""
labels = [("many", [f"{number:014}" for number in range(4095)])]
model = random.random_model("rnn", hidden_size=1, characters="".join(characters), provenance=provenance, labels=labels)
open(sys.argv[1], "wb").write(model)' "$work/large.cgw" || exit 1
for each in "$model" "$work/models/gru-int4.cgw" "$work/models/lstm-labels.cgw" "$work/large.cgw"; do
    check "refused memory, each call gives a status and loses nothing: $(basename "$each")" "$work/memory" "$each"
done
called() { "$work/sequences" --functions | tr ' ' '\n' | sort -u; }
check 'random sequences have all functions of the header' same "$(declared)" "$(called)"
# Small ones, for the number of calls.
for each in rnn/f32 gru/bf16 lstm/int8 gru/int4; do
    python Tests/LibraryTests/random_model.py ${each%/*} "$work/small-${each#*/}.cgw" ${each#*/} 8 0.8 || exit 1
done
python Tests/LibraryTests/random_model.py lstm "$work/small-unknown.cgw" int8 8 0.8 unknown || exit 1
python Tests/LibraryTests/random_model.py lstm "$work/small-labels.cgw" f32 8 0.8 labels || exit 1
# One long text with line breaks, no documents.
python -c 'import sys, random_model as random
model = random.random_model("gru", hidden_size=8, characters=random.CHARACTERS + "\n", ends=False)
open(sys.argv[1], "wb").write(model)' "$work/small-lines.cgw" || exit 1
check '20,000 random calls give what the header says' "$work/sequences" 20000 1 "$work"/small-*.cgw "$model"
check 'so do 20,000 with memory refused now and then' "$work/sequences" --refuse 20000 2 "$work"/small-*.cgw "$model"
check 'so do 5,000 on each of eight threads' "$work/sequences" --threads 8 5000 3 "$work"/small-*.cgw
check '3,000 random calls run clean under valgrind' clean "$work/sequences" 3000 4 "$work"/small-*.cgw
check 'text allocates nothing, and threads are those asked for, asleep between calls' "$work/resources" "$work/models/lstm-f32.cgw"
check 'nor does it with int4 weights' "$work/resources" "$work/models/gru-int4.cgw"
check 'two threads run clean under valgrind' \
    clean "$work/conformance" few "$work/models/lstm-f32.cgw" "$work/models/gru-int8.cgw"

refused() {
    expected=$1
    shift
    "$@" >/dev/null 2>"$work/errors" && { echo "succeeded: $*"; return 1; }
    grep -q -- "$expected" "$work/errors" || { cat "$work/errors"; return 1; }
}
check 'stream names a character that the model does not know' refused 'U+10FFFF' "$work/stream" "$model" "$(printf '\364\217\277\277')"
check 'stream names a missing file' refused 'No such file' "$work/stream" "$work/nothing.cgw"
check 'stream tells of a full disk' refused 'No space left' sh -c '"$0" "$1" "" 100 >/dev/full' "$work/stream" "$model"
check 'names names a missing list' refused 'No such file' "$work/names" "$model" 1 1 "$work/nothing.txt"
check 'many names a missing file' refused 'No such file' "$work/many" "$work/nothing.cgw" 1
check 'many tells how many it can make' refused '1 to 65536' "$work/many" "$model" 0
both() { "$work/names" "$model" 1 "$1"; "$work/names" "$model" 1 "$2"; }
with_arguments() {
    case $1 in
        */pattern) "$1" "$2" a ;;
        */save) "$1" "$2" "$work/saved" 1 ;;
        *) "$1" "$2" ;;
    esac
}
for name in surprising complete compress pattern save; do
    check "$name names a missing file" refused 'No such file' with_arguments "$work/$name" "$work/nothing.cgw"
done
check 'server names a missing file' refused 'No such file' "$work/server" "$work/nothing.cgw" "$work/socket"
check 'server names a socket that it cannot make' refused 'No such file' "$work/server" "$model" "$work/nothing/socket"
check 'compress tells of a full disk' refused 'No space left' sh -c '"$0" "$1" <Makefile >/dev/full' "$work/compress" "$model"
check 'pattern names the place of a fault' refused 'at character 3' "$work/pattern" "$model" 'ab[c'
check 'save tells of a damaged file' refused 'not a snapshot' "$work/save" "$model" README.md 1
check 'many gives the same names as names' same "$(both 3 4 | sort)" "$("$work/many" "$model" 2 3 | sort)"

# A thread that still ran would return to unmapped code.
unloading() {
    python -c 'import _ctypes, chargen, sys, time
session = chargen.Session(chargen.Model(sys.argv[1]), threads=4)
print(session.generate(100))
_ctypes.dlclose(chargen._library._library._handle)
time.sleep(0.02)' "$work/models/lstm-f32.cgw"
}
for attempt in 1 2 3; do
    check "a program unloads the library while its threads run, $attempt" unloading
done

# ---- The same text everywhere ----

text() { "$@" "$work/stream" "$model" '' 500 1 7; }
expected=$(text env)
text_is_expected() { same "$expected" "$(text "$@")"; }
# hashes_are_on_record all|few COMMAND…: the hashes of the random models, run by the command.
hashes_are_on_record() {
    ways=$1
    shift
    hashes=$("$@" "$work/conformance" "$ways" "$work"/models/* 2>"$work/errors") || cat "$work/errors"
    same "$(cat Tests/LibraryTests/conformance.txt)" "$hashes"
}
for backend in portable avx2 avx512; do
    if CHARGEN_BACKEND=$backend "$work/stream" "$model" '' 1 >/dev/null 2>"$work/errors"; then
        check "$backend gives the same text" text_is_expected env CHARGEN_BACKEND=$backend
        check "$backend passes the model's self-test" env CHARGEN_BACKEND=$backend "$work/verify" "$model"
        check "$backend gives the hashes on record, alone, on threads and in batches" \
            hashes_are_on_record all env CHARGEN_BACKEND=$backend
    else
        check "$backend, not for this processor, is refused by name" grep -q CHARGEN_BACKEND "$work/errors"
    fi
done
# Each quarter of a text by another process: on this processor, then as the arguments say.
saved() {
    rm -f "$work/saved"
    for turn in 1 2 3 4; do
        "$work/save" "$model" "$work/saved" 50 2>/dev/null || return 1
        "$@" "$work/save" "$model" "$work/saved" 50 2>/dev/null || return 1
    done
}
goes_on_alike() { same "$(saved env)" "$(saved "$@")" && saved env | grep -q ...; }
compressed() { "$@" "$work/compress" "$model" <"$work/names.txt" 2>/dev/null | sha256sum; }
compresses_alike() { same "$(compressed env)" "$(compressed "$@")"; }
# musl's loader takes its own libc for libc.so.6 and libm.so.6.
if command -v musl-gcc >/dev/null; then
    check 'a program on musl links to it' musl-gcc -std=c99 -Iinclude examples/c/stream.c -L"$folder" -lchargen \
        -Wl,-rpath,"$folder" -o "$work/stream-musl"
    check 'a program on musl gives the same text' same "$expected" "$("$work/stream-musl" "$model" '' 500 1 7)"
else
    echo 'skipped: musl (install musl-tools)'
fi
if command -v qemu-x86_64 >/dev/null; then
    for cpu in Nehalem Haswell; do
        check "a processor like $cpu gives the same text" text_is_expected qemu-x86_64 -cpu $cpu
        check "a processor like $cpu passes the model's self-test" qemu-x86_64 -cpu $cpu "$work/verify" "$model"
        check "a processor like $cpu compresses to the same file" compresses_alike qemu-x86_64 -cpu $cpu
        check "a processor like $cpu goes on from this one's snapshots, and this one from its" goes_on_alike qemu-x86_64 -cpu $cpu
        check "a processor like $cpu gives the hashes on record" hashes_are_on_record few qemu-x86_64 -cpu $cpu
    done
else
    echo 'skipped: older processors (install qemu-user)'
fi
# ARM processors with and without the integer dot product.
cross=aarch64-linux-gnu
if command -v qemu-aarch64 >/dev/null && command -v $cross-gcc >/dev/null && [ -f "$folder/aarch64/libchargen.so" ]; then
    needed_by_aarch64() { $cross-readelf -d "$folder/aarch64/libchargen.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort | tr '\n' ' '; }
    check 'the library for aarch64 needs libc, its loader and libm only' \
        same 'ld-linux-aarch64.so.1 libc.so.6 libm.so.6 ' "$(needed_by_aarch64)"
    exported_by_aarch64() { $cross-nm -D --defined-only "$folder/aarch64/libchargen.so" | awk '{ print $3 }' | sort; }
    check 'it exports the functions of the header and nothing else' same "$(declared)" "$(exported_by_aarch64)"
    has_instruction() { $cross-objdump -d .build-aarch64/*/release/"$1".build/*.o | grep -q "[[:space:]]$2[[:space:]]"; }
    lacks_instruction() { ! has_instruction "$@"; }
    check 'its kernels multiply and add in one instruction' has_instruction Kernels fmla
    check 'those for newer processors use the dot product' has_instruction KernelsDotProduct sdot
    for module in Core Kernels KernelDispatch ModelFormat ThreadPool InferenceEngine CAPI; do
        check "$module does not" lacks_instruction $module sdot
    done
    # aarch64 CPU PROGRAM ARGUMENTS…: a program of examples/c or of these tests, for aarch64.
    mkdir "$work/aarch64"
    aarch64() { (cpu=$1 name=${2##*/}; shift 2; exec qemu-aarch64 -cpu "$cpu" -L /usr/$cross "$work/aarch64/$name" "$@"); }
    with_backend() { (export CHARGEN_BACKEND="$1"; shift; "$@"); }
    for source in examples/c/*.c Tests/LibraryTests/*.c; do
        name=$(basename "$source" .c)
        check "$name.c compiles for aarch64" $cross-gcc -std=c99 -O1 -Iinclude -ITests/LibraryTests "$source" \
            -L"$folder/aarch64" -lchargen -lm -pthread -Wl,-rpath,"$folder/aarch64" -o "$work/aarch64/$name"
    done
    for cpu in max cortex-a53; do
        check "a processor like $cpu gives the same text" text_is_expected aarch64 $cpu
        check "a processor like $cpu passes the model's self-test" aarch64 $cpu verify "$model"
        check "a processor like $cpu compresses to the same file" compresses_alike aarch64 $cpu
        check "a processor like $cpu goes on from this one's snapshots, and this one from its" goes_on_alike aarch64 $cpu
        check "a processor like $cpu gives the hashes on record" hashes_are_on_record few aarch64 $cpu
        check "a processor like $cpu gives hostile arguments and damaged models a status" aarch64 $cpu api "$model" 100
        check "a processor like $cpu does in 2,000 random calls what the header says" \
            aarch64 $cpu sequences 2000 5 "$work"/small-*.cgw
    done
    check 'dotprod gives the hashes on record, alone, on threads and in batches' \
        hashes_are_on_record all with_backend dotprod aarch64 max
    check 'the portable kernels give them where there is a dot product' \
        hashes_are_on_record few with_backend portable aarch64 max
    check 'where there is none, dotprod is refused by name' \
        refused CHARGEN_BACKEND with_backend dotprod aarch64 cortex-a53 stream "$model" '' 1
    check 'names are those of this processor' \
        same "$("$work/names" "$model" 10 1)" "$(aarch64 cortex-a53 names "$model" 10 1)"
    check 'many names are those of this processor' \
        same "$("$work/many" "$model" 20 | sort)" "$(aarch64 max many "$model" 20 | sort)"
    surprises() { "$@" "$work/surprising" "$model" <"$work/names.txt"; }
    check 'surprises are those of this processor' same "$(surprises env)" "$(surprises aarch64 max)"
    matching() { "$@" "$work/pattern" "$model" '[A-Z][a-z]{2,5}(-on-[A-Z][a-z]+)?' 20; }
    check 'names of a pattern are those of this processor' same "$(matching env)" "$(matching aarch64 max)"
else
    echo 'skipped: aarch64 (make library-aarch64; install gcc-aarch64-linux-gnu and qemu-user)'
fi
check 'trainer generate gives the same text' same "$("$work/names" "$model" 1 7)" "$("$trainer" generate "$model" --seed 7 --temperature 0.8)"

# ---- Programs in company ----

companions() { EXAMPLES=$work MODEL=$model python -m unittest test_examples; }
check 'the examples work on a terminal, a socket and damaged files' companions

# ---- Python ----

check 'the Python package and its program pass their tests' python -m unittest test_chargen
check 'the library reads the files that the document of the format allows, and no others' python -m unittest test_cgw
guides() { MODEL=$model python -m unittest test_guides; }
check 'the code blocks of the guides compile and run' guides
check 'C and Python give the same names' same "$("$work/names" "$model" 5 3)" "$(python examples/python/names.py "$model" --count 5 --seed 3)"
