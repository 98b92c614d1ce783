#!/bin/sh
# Random calls of the library, built in Embedded Swift as it is shipped, but with the instructions
# of a sanitizer:
#
#     sequences.sh SWIFT CALLS
#
# CALLS calls under the address sanitizer and that for undefined behaviour, which also finds leaks,
# and as many on eight threads under the thread sanitizer. Then, without a sanitizer, a thousand
# sequences with memory refused, in build/libchargen.so.
set -u
swift=$1
calls=$2
cd "$(dirname "$0")/../.." || exit 1
. Tests/checks.sh
# Swift's clang has the sanitizers' libraries, and that for threads needs two more of Swift's.
tools=$(dirname "$(realpath "$(command -v "$swift")")")
libraries=$(dirname "$tools")/lib/swift/linux
# Undefined behaviour of the library's C ends the program: there is no runtime for it.
undefined='-Xcc -fsanitize=undefined -Xcc -fsanitize-trap=undefined'

# library SANITIZER [OPTION…]: builds it, and prints its folder. The program has what it leaves
# undefined.
library() {
    sanitizer=$1
    shift
    set -- -c release --product chargen --traits Embedded --scratch-path ".build-embedded-$sanitizer" \
        --disable-local-rpath -Xswiftc "-sanitize=$sanitizer" -Xcc "-fsanitize=$sanitizer" "$@" \
        -Xlinker -z -Xlinker undefs
    "$swift" build "$@" >"$work/output" 2>&1 || { cat "$work/output" >&2; return 1; }
    folder=$("$swift" build "$@" --show-bin-path) && ln -sf libchargen.so "$folder/libchargen.so.2" && echo "$folder"
}

# program SOURCE FOLDER OPTION…: compiles it with a library.
program() {
    source=$1
    folder=$2
    shift 2
    "$tools/clang" -fuse-ld=lld -O1 -g -Wall -Iinclude "$@" "Tests/LibraryTests/$source.c" -L"$folder" -lchargen -lm \
        -pthread -Wl,-rpath,"$folder:$libraries" -o "$work/$source"
}

for each in rnn/f32 gru/bf16 lstm/int8 gru/int4 lstm/int8/unknown; do
    unknown=$(echo "$each" | cut -d/ -f3)
    weights=$(echo "$each" | cut -d/ -f2)
    python3 Tests/LibraryTests/random_model.py "${each%%/*}" "$work/$weights$unknown.cgw" "$weights" 8 0.8 $unknown || exit 1
done
# One long text with line breaks, no documents.
PYTHONPATH=Tests/LibraryTests python3 -c 'import sys, random_model as random
model = random.random_model("gru", hidden_size=8, characters=random.CHARACTERS + "\n", ends=False)
open(sys.argv[1], "wb").write(model)' "$work/lines.cgw" || exit 1
# More than one tile of units, so that threads have work.
python3 Tests/LibraryTests/random_model.py gru "$work/large.cgw" int8 136 0.3 || exit 1

# shellcheck disable=SC2086
folder=$(library address $undefined) || exit 1
check 'the test compiles with the address sanitizer' \
    program sequences "$folder" -fsanitize=address,undefined -fno-sanitize-recover=all
check "$calls random calls are clean under the address sanitizer" "$work/sequences" "$calls" 1 "$work"/*.cgw
check 'hostile input compiles with the address sanitizer' \
    program api "$folder" -fsanitize=address,undefined -fno-sanitize-recover=all
for each in "$work"/*.cgw; do
    check "hostile input is clean under the address sanitizer: $(basename "$each")" "$work/api" "$each" 2000
done

folder=$(library thread) || exit 1
check 'the test compiles with the thread sanitizer' \
    program sequences "$folder" -fsanitize=thread -L"$libraries" -ldispatch -lBlocksRuntime
check 'calls on eight threads are clean under the thread sanitizer' \
    "$work/sequences" --threads 8 $((calls / 8)) 2 "$work"/*.cgw

check 'the test compiles' program sequences "$PWD/build"
refusals() {
    for seed in $(seq 1000); do "$work/sequences" --refuse 2000 "$seed" "$work"/*.cgw || return 1; done
}
check 'a thousand sequences go on when memory is refused' refusals
