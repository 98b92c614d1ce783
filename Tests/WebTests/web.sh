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
. Tests/WebTests/wasi.sh

if ! command -v node >/dev/null; then
    echo 'skipped: WebAssembly (install nodejs)'
    exit
fi
mkdir "$work/models" "$work/web"
random_models "$work/models" || exit 1
# The pages of the tests lie beside those of the folder.
cp -r "$web/." "$work/web"
mkdir "$work/web/test"
cp Tests/WebTests/*.mjs "$work/web/test"
cp -r "$work/models" Tests/LibraryTests/conformance.txt "$work/web/test"
export WEB="$work/web" MODELS="$work/models"

check 'chargen.wasm has less than 400,000 bytes' test "$(stat -c %s "$web/chargen.wasm")" -lt 400000
# The tests in C, with the same objects and batches too.
for name in conformance api verify; do
    check "$name.c compiles for WebAssembly" \
        wasi_program Tests/LibraryTests/$name.c "$work/$name.wasm" .build-wasm/*/release/*.build/*.o
done
run() { (name=$1; shift; wasi_run "$work/$name.wasm" "$@"); }
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
