#!/bin/sh
# Installs what `make` has built, or removes what was installed:
#
#     install.sh install|uninstall VERSION SONAME
#
# The folders are in the environment: BINDIR, LIBDIR, INCLUDEDIR, DATADIR, and PREFIX for
# chargen.pc. DESTDIR goes before each of them.
set -eu
action=$1 version=$2 soname=$3
cd "$(dirname "$0")/.."
if [ "$action" = install ] && ! [ -e build/share/chargen.3 ]; then
    echo "Nothing is built to install: run 'make' first." >&2
    exit 1
fi

# place MODE FILE PLACE
place() {
    case $action in
        install) install -D -m "$1" "$2" "$DESTDIR$3" ;;
        uninstall) rm -f "$DESTDIR$3" ;;
    esac
}

# link TARGET PLACE
link() {
    case $action in
        install) ln -sf "$1" "$DESTDIR$2" ;;
        uninstall) rm -f "$DESTDIR$2" ;;
    esac
}

# describe TEMPLATE PLACE: for a build system, with the folders filled in.
describe() {
    # Relative, so that a copy of the whole tree works anywhere.
    include=$(realpath -m --relative-to="$LIBDIR/cmake/chargen" "$INCLUDEDIR")
    sed -e "s|@PREFIX@|$PREFIX|" -e "s|@LIBDIR@|$LIBDIR|" -e "s|@INCLUDEDIR@|$INCLUDEDIR|" \
        -e "s|@INCLUDE@|$include|" -e "s|@VERSION@|$version|" -e "s|@SONAME@|$soname|" "packaging/$1" \
        | place 644 /dev/stdin "$2"
}

place 755 build/share/trainer "$BINDIR/trainer"
place 644 build/share/trainer.1 "$DATADIR/man/man1/trainer.1"
place 644 build/share/trainer.bash "$DATADIR/bash-completion/completions/trainer"
place 644 build/share/trainer.zsh "$DATADIR/zsh/site-functions/_trainer"
place 644 build/share/trainer.fish "$DATADIR/fish/vendor_completions.d/trainer.fish"

place 644 include/chargen.h "$INCLUDEDIR/chargen.h"
place 644 include/chargen.hpp "$INCLUDEDIR/chargen.hpp"
place 644 build/libchargen.so "$LIBDIR/libchargen.so.$version"
link "libchargen.so.$version" "$LIBDIR/$soname"
link "$soname" "$LIBDIR/libchargen.so"
place 644 build/libchargen.a "$LIBDIR/libchargen.a"
describe chargen.pc.in "$LIBDIR/pkgconfig/chargen.pc"
describe chargen-config.cmake.in "$LIBDIR/cmake/chargen/chargen-config.cmake"
describe chargen-config-version.cmake.in "$LIBDIR/cmake/chargen/chargen-config-version.cmake"
place 644 build/share/chargen.3 "$DATADIR/man/man3/chargen.3"
place 644 THIRD-PARTY-NOTICES "$DATADIR/doc/chargen/THIRD-PARTY-NOTICES"

if [ "$action" = uninstall ]; then
    for folder in "$LIBDIR/cmake/chargen" "$DATADIR/doc/chargen"; do
        rmdir "$DESTDIR$folder" 2>/dev/null || true
    done
fi
# So that programs find the library at once.
if [ -z "$DESTDIR" ] && [ "$(id -u)" = 0 ]; then ldconfig; fi
