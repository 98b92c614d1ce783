#!/bin/sh
# Tests of `make install`, in a folder of their own: programs outside the tree build with what is
# installed, and trainer runs without a Swift toolchain. Prints a line for each check; stops at the
# first failure.
#
#     run.sh MODEL
#
# MODEL is a model of names with an end-of-document symbol.
set -u
model=$(realpath "$1")
cd "$(dirname "$0")/../.." || exit 1
. Tests/checks.sh
unset CHARGEN_BACKEND MAKEFLAGS

# As Debian divides it: the library in a folder for its processor.
root=$work/root
prefix=/opt/chargen
libdir=$prefix/lib/$(gcc -print-multiarch)
run_make() { make --no-print-directory "$1" DESTDIR="$root" PREFIX="$prefix" LIBDIR="$libdir"; }
check 'make install' run_make install
installed=$root$prefix
library=$root$libdir

# ---- The library ----

soname=$(readelf -d "$library/libchargen.so" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
check 'the link for programs that are built leads to the soname' same "$soname" "$(readlink "$library/libchargen.so")"
version=$("$installed/bin/trainer" --version | sed 's/-dev$//')
check 'the soname leads to the version' same "libchargen.so.$version" "$(readlink "$library/$soname")"

declared() { grep -oE '\bchargen_[a-z0-9_]+\(' include/chargen.h | tr -d '(' | sort -u; }
defined() { nm -g --defined-only "$library/libchargen.a" | awk 'NF == 3 { print $3 }' | sort; }
check 'the static library defines the functions of the header and nothing else' same "$(declared)" "$(defined)"

export PKG_CONFIG_PATH="$library/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root"
mkdir "$work/program"
cp examples/c/names.c Tests/LibraryTests/conformance.c "$work/program"
# with_flags FLAGS COMMAND…: adds what pkg-config gives to the command.
with_flags() {
    flags=$(pkg-config $1 --cflags --libs chargen) || return 1
    shift
    # shellcheck disable=SC2086 # Flags are words.
    (cd "$work/program" && "$@" $flags)
}
expected=$("$installed/bin/trainer" generate "$model" --seed 7 --temperature 0.8)
gives_the_text() { same "$expected" "$("$@" "$model" 1 7)"; }

check 'pkg-config knows the version' same "$version" "$(pkg-config --modversion chargen)"
check 'a program builds with pkg-config' with_flags '' gcc -std=c99 names.c -o shared
check 'it generates the text of trainer generate' gives_the_text env LD_LIBRARY_PATH="$library" "$work/program/shared"
check 'a static program builds with pkg-config' with_flags --static gcc -static -std=c99 names.c -o static
check 'it generates the same text' gives_the_text "$work/program/static"
own_zstd() {
    gcc -std=c99 -I"$installed/include" examples/c/names.c "$library/libchargen.a" \
        -Wl,--whole-archive -l:libzstd.a -Wl,--no-whole-archive -lm -pthread -o "$work/program/own-zstd"
}
check 'a program links the static library beside a zstd of its own' own_zstd
check 'it generates the same text too' gives_the_text "$work/program/own-zstd"

# The modules for newer processors have copies of functions that older ones run, too.
check 'a test builds with the static library' with_flags --static gcc -static -std=c99 conformance.c -o conformance
for weights in f32 int8; do
    python3 Tests/LibraryTests/random_model.py lstm "$work/lstm-$weights.cgw" $weights 72 0.3 || exit 1
done
hashes() { "$@" "$work/program/conformance" few "$work"/lstm-*.cgw; }
recorded() { grep -E "^lstm (f32|int8) .*[0-9a-f]{16}( settings)?$" Tests/LibraryTests/conformance.txt; }
check 'the static library gives the hashes on record' same "$(recorded)" "$(hashes env)"
if command -v qemu-x86_64 >/dev/null; then
    check 'a processor like Nehalem gives them too' same "$(recorded)" "$(hashes qemu-x86_64 -cpu Nehalem)"
else
    echo 'skipped: older processors (install qemu-user)'
fi
if command -v musl-gcc >/dev/null; then
    check 'a static program builds on musl' with_flags --static musl-gcc -static -std=c99 names.c -o musl
    check 'it generates the same text as well' gives_the_text "$work/program/musl"
else
    echo 'skipped: musl (install musl-tools)'
fi

cat >"$work/program/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.13)
project(program C)
find_package(chargen 0.2 REQUIRED)
add_executable(cmake-shared names.c)
target_link_libraries(cmake-shared chargen::chargen)
add_executable(cmake-static names.c)
target_link_libraries(cmake-static chargen::static)
CMAKE
configure() { cmake -S "$work/program" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$installed"; }
if command -v cmake >/dev/null; then
    check 'CMake finds the package' configure
    check 'programs build with CMake' cmake --build "$work/cmake"
    check 'the one with the shared library generates the text' gives_the_text "$work/cmake/cmake-shared"
    check 'the one with the static library does' gives_the_text "$work/cmake/cmake-static"
    sed -i 's/chargen 0.2/chargen 0.1/' "$work/program/CMakeLists.txt"
    another_version() { ! configure && configure 2>&1 | grep -q 'not compatible\|requested version'; }
    check 'CMake refuses another minor version' another_version
else
    echo 'skipped: CMake (install cmake)'
fi

# ---- trainer ----

# Runs a command with an empty environment, and nothing in the folder of the Swift toolchain.
toolchain=$(dirname "$(dirname "$(dirname "$(realpath "$(command -v "${SWIFT:-swift}")")")")")
for namespace in 'unshare -m' 'unshare -rm' ''; do $namespace true 2>/dev/null && break; done
without_swift() {
    if [ "$namespace" ]; then
        # shellcheck disable=SC2016,SC2086
        env -i PATH=/usr/bin:/bin $namespace sh -c \
            'mount -t tmpfs none "$0" && cd "$1" && shift && exec env -i "$@"' "$toolchain" "$work" "$@"
    else
        (cd "$work" && env -i "$@")
    fi
}
[ "$namespace" ] || echo 'skipped: the toolchain is not hidden (unshare -m is refused)'
trainer=$installed/bin/trainer
cp examples/place-names.txt "$work"
check 'trainer trains without Swift' without_swift "$trainer" train place-names.txt --documents line --hidden 16 \
    --layers 1 --epochs 1 --run run
check 'it exports' without_swift "$trainer" export small.cgw --run run
check 'it generates' without_swift "$trainer" generate small.cgw --count 3
check 'it makes a report' without_swift "$trainer" report run
# Of a training that nobody has changed there is nothing to say.
resumed() { without_swift "$trainer" resume run --epochs 2 2>&1 >/dev/null | grep -v '^finished'; }
check 'it goes on without a warning' same '' "$(resumed)"
# shellcheck disable=SC2016,SC2086
without_proc() { (cd "$work" && $namespace sh -c 'mount -t tmpfs none /proc && exec "$0" "$@"' "$trainer" "$@"); }
if [ "$namespace" ]; then
    check 'it has its arguments without /proc' \
        same "$(without_swift "$trainer" generate small.cgw --seed 1)" "$(without_proc generate small.cgw --seed 1)"
fi
libraries() { ldd "$trainer" | awk '{ print $1 }' | sed 's|.*/||' | sort | tr '\n' ' '; }
system='ld-linux-x86-64.so.2 libc.so.6 libgcc_s.so.1 libm.so.6 libstdc++.so.6 linux-vdso.so.1 '
[ "$(uname -m)" != x86_64 ] || check 'it needs libraries of the system only' same "$system" "$(libraries)"

# ---- Manuals and completions ----

man_page() { man --warnings -E UTF-8 -l "$installed/share/man/$1" 2>"$work/errors" | col -b >"$work/page"; ! [ -s "$work/errors" ] || { cat "$work/errors"; return 1; }; }
check 'trainer(1) is shown without a warning' man_page man1/trainer.1
for command in train resume sweep report export import generate evaluate corpus inspect; do
    options() { "$trainer" help $command | grep -oE '^  (-h, )?--[a-z0-9-]+' | grep -oE -- '--.*' | grep -vE -- '--(help|version)$'; }
    has_options() { for option in $(options); do grep -q -- " $option\b" "$work/page" || { echo "$option is missing"; return 1; }; done; }
    check "it has the options of $command" has_options
done
check 'chargen(3) is shown without a warning' man_page man3/chargen.3
has_functions() { for name in $(declared); do grep -q "$name(" "$work/page" || { echo "$name is missing"; return 1; }; done; }
check 'it has the functions of the header' has_functions
check 'bash reads its completions' bash -n "$installed/share/bash-completion/completions/trainer"
check 'zsh has completions' grep -q '^#compdef trainer' "$installed/share/zsh/site-functions/_trainer"
check 'fish has completions' grep -q 'complete -c .*trainer' "$installed/share/fish/vendor_completions.d/trainer.fish"

# ---- Removal ----

check 'make uninstall' run_make uninstall
check 'it leaves no file behind' same '' "$(find "$root" ! -type d -o -name chargen -mindepth 3)"
