# Sourced: programs in C for WASI, with the library's objects.

# wasi_program SOURCE PROGRAM OBJECT…
wasi_program() {
    source=$1 program=$2
    shift 2
    toolchain=$(dirname "$(realpath "$(command -v swift)")")
    "$toolchain/clang" --target=wasm32-wasi -nostdinc -isystem "$("$toolchain/clang" -print-resource-dir)/include" \
        -isystem /usr/include/wasm32-wasi -std=c11 -O1 -Iinclude -c "$source" -o "$program.o" \
        && "$toolchain/wasm-ld" --gc-sections -z stack-size=1048576 --wrap=posix_memalign --wrap=free \
            /usr/lib/wasm32-wasi/crt1-command.o "$program.o" "$@" /usr/lib/wasm32-wasi/libc.a \
            /usr/lib/llvm-*/lib/clang/*/lib/wasi/libclang_rt.builtins-wasm32.a -o "$program"
}

# wasi_run PROGRAM ARGUMENT…
wasi_run() { NODE_NO_WARNINGS=1 node Tests/WebTests/wasi.mjs "$@"; }
