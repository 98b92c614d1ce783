#!/bin/sh
# The examples in Rust and for Node, if their tools are installed:
#
#     languages.sh FOLDER MODEL
#
# FOLDER has libchargen.so.
set -u
folder=$(realpath "$1")
model=$(realpath "$2")
cd "$(dirname "$0")/../.." || exit 1
. Tests/checks.sh

if command -v cargo >/dev/null; then
    rust() {
        (cd examples/rust && MODEL=$model CHARGEN_LIB_DIR=$folder RUSTFLAGS='-D warnings' \
            cargo test --quiet --offline --target-dir "$work/rust" >"$work/result" 2>&1) || { cat "$work/result"; return 1; }
    }
    check 'the crate in Rust passes its tests' rust
    check 'its program streams text' sh -c '"$0" "$1" Al | grep -q "^Al"' "$work/rust/debug/examples/stream" "$model"
else
    echo 'skipped: Rust (install cargo)'
fi
if command -v node >/dev/null && [ -e /usr/include/node/node_api.h ]; then
    check 'the part of the Node module in C compiles' make --no-print-directory -s build/chargen.node
    nodes() { MODEL=$model node --test examples/node/ >"$work/result" 2>&1 || { cat "$work/result"; return 1; }; }
    check 'the Node module passes its tests' nodes
else
    echo 'skipped: Node (install nodejs and its headers)'
fi
