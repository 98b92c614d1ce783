#!/bin/sh
# Compares chargen's arithmetic on all processors at hand, this one's and those that qemu and Node
# are, with what is on record: its parts, whole texts, and trainings.
#
#     run.sh [--write] BUILD [EVERY [EMULATED]]
#
# BUILD is the folder of libchargen.so. Of the functions of one number every EVERY-th block of
# 65,536 floats is computed, and every EMULATED-th one on other processors: 8 and 4096 unless said
# otherwise; 1 takes ten minutes, in emulation hours. --write records the parts for EVERY instead.
set -u
record=''
if [ "${1:-}" = --write ]; then
    record=yes
    shift
fi
build=$(realpath "$1")
every=${2:-8}
emulated=${3:-4096}
cd "$(dirname "$0")/../.." || exit 1
. Tests/checks.sh
. Tests/WebTests/wasi.sh
unset CHARGEN_BACKEND

cross=aarch64-linux-gnu
# objects FOLDER: those of the modules that decide texts, and the tests' own.
objects() {
    for module in ConformanceFunctions CIntrinsics CSupport Core InferenceEngine KernelDispatch Kernels KernelsAVX2 \
        KernelsAVX512 KernelsAVX512BF16 KernelsDotProduct ModelFormat ThreadPool; do
        ls "$1"/*/release/$module.build/*.o 2>/dev/null
    done
}
link() {
    compiler=$1 folder=$2 program=$3
    shift 3
    # shellcheck disable=SC2046
    "$compiler" -std=c11 -O2 -Wall -Wextra -Werror Tests/Conformance/functions.c $(objects "$folder") -lm -pthread \
        -Wl,--gc-sections -Wl,--wrap=posix_memalign -Wl,--wrap=free "$@" -o "$program"
}
# functions_are_on_record EVERY COMMAND…: the lines of each backend.
functions_are_on_record() {
    expected=Tests/Conformance/functions-$1.txt
    every=$1
    shift
    [ -f "$expected" ] || { echo "there is no $expected: --write records it"; return 1; }
    "$@" "$every" >"$work/lines" || return 1
    awk -v file="$work/backend-" '/^# / { name = $2; next } { print >(file name) }' "$work/lines"
    for each in "$work"/backend-*; do
        echo "${each##*-}"
        cmp "$expected" "$each" || { diff "$expected" "$each"; return 1; }
    done
    rm "$work"/backend-*
}

check 'the parts link' link gcc .build-embedded "$work/functions"
if [ "$record" ]; then
    "$work/functions" "$every" | sed -n '/^# portable/,$p' | grep -v '^#' \
        >"Tests/Conformance/functions-$every.txt"
    exit
fi
check 'the parts are those on record on this processor' functions_are_on_record "$every" "$work/functions"
if command -v qemu-x86_64 >/dev/null; then
    for cpu in Nehalem Haswell; do
        check "so are they on a processor like $cpu" functions_are_on_record "$emulated" qemu-x86_64 -cpu $cpu "$work/functions"
    done
fi
if command -v qemu-aarch64 >/dev/null && command -v $cross-gcc >/dev/null; then
    check 'the parts link for aarch64' link $cross-gcc .build-aarch64 "$work/functions-aarch64"
    for cpu in max cortex-a53; do
        check "so are they on a processor like $cpu" \
            functions_are_on_record "$emulated" qemu-aarch64 -cpu $cpu -L /usr/$cross "$work/functions-aarch64"
    done
fi
if command -v node >/dev/null; then
    # shellcheck disable=SC2046
    check 'the parts link for WebAssembly' \
        wasi_program Tests/Conformance/functions.c "$work/functions.wasm" $(objects .build-wasm)
    check 'so are they in WebAssembly' \
        functions_are_on_record "$emulated" wasi_run "$work/functions.wasm"
fi

# ---- Trainings ----

# trained NAME COMMAND…: the parameters and the optimiser's state of three small trainings.
trained() {
    name=$1
    shift
    for cell in rnn gru lstm; do
        "$@" "$build/trainer" train "$work/names.txt" --documents line --cell $cell --hidden 24 --layers 2 \
            --epochs 1 --threads 1 --seed 5 --run "$work/$name-$cell" >"$work/errors" 2>&1 \
            || { cat "$work/errors"; return 1; }
        python3 -c 'import hashlib, sys
data = open(sys.argv[1], "rb").read()
print(hashlib.sha256(data[8 + int.from_bytes(data[:8], "little"):]).hexdigest())' "$work/$name-$cell/last.safetensors"
    done
}
head -n 600 examples/place-names.txt >"$work/names.txt"
this=$(trained this env) || { echo "$this"; exit 1; }
for backend in portable avx2 avx512; do
    case $backend in
        portable) ;;
        avx2) grep -q avx2 /proc/cpuinfo || continue ;;
        avx512) grep -q avx512_vnni /proc/cpuinfo || continue ;;
    esac
    check "$backend gives the same checkpoints" same "$this" "$(trained $backend env CHARGEN_BACKEND=$backend)"
done
if command -v qemu-x86_64 >/dev/null; then
    for cpu in Nehalem Haswell; do
        check "a processor like $cpu gives the same checkpoints" same "$this" "$(trained $cpu qemu-x86_64 -cpu $cpu)"
    done
fi
