#!/bin/sh
# Tests of the Debian packages, as root: lintian accepts them, and they work in a new Debian without
# a compiler or Swift. Needs the packages lintian and debootstrap. Prints a line for each check;
# stops at the first failure.
#
#     deb.sh FOLDER MODEL
set -u
folder=$(realpath "$1")
model=$(realpath "$2")
cd "$(dirname "$0")/../.." || exit 1
. Tests/checks.sh

accepted() { lintian --allow-root --fail-on error,warning "$folder"/*.deb; }
check 'lintian accepts the packages' accepted

debian=$work/debian
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
check 'a new Debian' debootstrap --variant=minbase --include=libstdc++6 "$release" "$debian"
cp "$folder"/*.deb "$debian"
cp "$model" "$debian/model.cgw"
gcc -std=c99 -Iinclude examples/c/names.c -Lbuild -lchargen -o "$debian/names" || exit 1
check 'dpkg installs them' chroot "$debian" sh -c 'dpkg -i /*.deb'
# within COMMAND…: runs it in the new Debian. Swift reads a command's arguments from /proc.
within() { unshare -m sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' "$debian" "$@"; }
generated() { within trainer generate model.cgw --seed 7 --temperature 0.8; }
check 'trainer generates' generated
check 'a program finds the library and generates the same text' \
    same "$(generated)" "$(within ./names model.cgw 1 7)"
check 'dpkg removes them' chroot "$debian" dpkg -P libchargen-dev chargen-trainer
check 'nothing remains' same '' "$(find "$debian/usr" -name '*chargen*')"
