#!/bin/sh
# Tests of chargen.wasm, chargen.mjs and the page, if Node is installed, and Chromium for the page:
#
#     web.sh WEB
#
# WEB is what `make web` has made. With SCREENSHOTS set to a folder, pictures of the page go there.
set -u
web=$(realpath "$1")
cd "$(dirname "$0")/../.." || exit 1
. Tests/checks.sh

if ! command -v node >/dev/null; then
    echo 'skipped: WebAssembly (install nodejs)'
    exit
fi
mkdir "$work/models" "$work/web"
for cell in rnn gru lstm; do
    for weights in f32 bf16 int8 int4; do
        python3 Tests/LibraryTests/random_model.py $cell "$work/models/$cell-$weights.cgw" $weights 72 0.3 || exit 1
    done
    python3 Tests/LibraryTests/random_model.py $cell "$work/models/$cell-unknown.cgw" int8 72 0.3 unknown || exit 1
done
# The pages of the tests lie beside those of the folder.
cp -r "$web/." "$work/web"
mkdir "$work/web/test"
cp Tests/WebTests/*.mjs "$work/web/test"
cp -r "$work/models" Tests/LibraryTests/conformance.txt "$work/web/test"
export WEB="$work/web" MODELS="$work/models" NODE_NO_WARNINGS=1

check 'chargen.wasm has less than 400,000 bytes' test "$(stat -c %s "$web/chargen.wasm")" -lt 400000
# The tests in C, with the same objects and batches too: program NAME.
objects=$(echo .build-wasm/*/release/*.build/*.o)
toolchain=$(dirname "$(realpath "$(command -v swift)")")
program() {
    # shellcheck disable=SC2086
    "$toolchain/clang" --target=wasm32-wasi -nostdinc -isystem "$("$toolchain/clang" -print-resource-dir)/include" \
        -isystem /usr/include/wasm32-wasi -O1 -std=c99 -Iinclude -c "Tests/LibraryTests/$1.c" -o "$work/$1.o" \
        && "$toolchain/wasm-ld" --gc-sections -z stack-size=1048576 --wrap=posix_memalign --wrap=free \
            /usr/lib/wasm32-wasi/crt1-command.o "$work/$1.o" $objects /usr/lib/wasm32-wasi/libc.a \
            /usr/lib/llvm-*/lib/clang/*/lib/wasi/libclang_rt.builtins-wasm32.a -o "$work/$1.wasm"
}
run() { (name=$1; shift; exec node Tests/WebTests/wasi.mjs "$work/$name.wasm" "$@"); }
for name in conformance api verify; do
    check "$name.c compiles for WebAssembly" program $name
done
hashes() { same "$(cat Tests/LibraryTests/conformance.txt)" "$(run conformance all "$MODELS"/*)"; }
check 'WebAssembly gives the hashes on record, alone and in batches' hashes
check "it passes a model's self-test" run verify "$web/place-names.cgw"
for each in "$web/place-names.cgw" "$MODELS"/lstm-*.cgw; do
    check "it gives hostile arguments and damaged models a status: $(basename "$each")" run api "$each" 200
done
check 'chargen.mjs passes its tests in Node' node --test Tests/WebTests/module.test.mjs
if command -v chromium >/dev/null; then
    check 'the page passes its tests in Chromium' node --test Tests/WebTests/page.test.mjs
else
    echo 'skipped: the page (install chromium)'
fi
