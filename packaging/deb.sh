#!/bin/sh
# Makes two Debian packages of what `make` has built: chargen-trainer, the command, and
# libchargen-dev, the library with its header.
#
#     deb.sh SONAME MAINTAINER FOLDER
#
# MAINTAINER is a name with an address in angle brackets. The packages are written to FOLDER.
set -eu
soname=$1 maintainer=$2 folder=$3
cd "$(dirname "$0")/.."
# A version in development comes before the released one.
version=$(build/trainer --version | tr - '~')
umask 022
architecture=$(dpkg --print-architecture)
multiarch=$(gcc -print-multiarch)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$folder"

library=$work/libchargen-dev
trainer=$work/chargen-trainer
make --no-print-directory install DESTDIR="$library" PREFIX=/usr LIBDIR="/usr/lib/$multiarch"
rm -r "$library/usr/share/doc"
mkdir -p "$trainer/usr/share/man"
mv "$library/usr/bin" "$trainer/usr"
mv "$library/usr/share/man/man1" "$trainer/usr/share/man"
mv "$library/usr/share/bash-completion" "$library/usr/share/fish" "$trainer/usr/share"
# Debian's own folder of completions.
mkdir "$trainer/usr/share/zsh"
mv "$library/usr/share/zsh/site-functions" "$trainer/usr/share/zsh/vendor-completions"
rmdir "$library/usr/share/zsh"

# needed FILE: libc6, of the version that the file's symbols ask for.
needed() {
    echo "libc6 (>= $(objdump -T "$1" | grep -oE 'GLIBC_[0-9.]+' | sed 's/GLIBC_//' | sort -Vu | tail -1))"
}

# package NAME SECTION DESCRIPTION FIELDS
package() {
    root=$work/$1
    documents=$root/usr/share/doc/$1
    mkdir -p "$documents" "$root/DEBIAN"
    {
        echo "chargen has no licence yet: all rights reserved. What its binaries contain of others follows."
        echo "On Debian the texts of the GPL, the LGPL and the Apache licence are"
        echo "/usr/share/common-licenses/GPL-3, /usr/share/common-licenses/LGPL-2.1 and"
        echo "/usr/share/common-licenses/Apache-2.0."
        echo
        cat THIRD-PARTY-NOTICES
    } >"$documents/copyright"
    {
        printf 'chargen (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md in the source.\n\n' "$version"
        printf ' -- %s  %s\n' "$maintainer" "$(date -R -d "@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}")"
    } | gzip -9n >"$documents/changelog.gz"
    find "$root/usr/share/man" -type f -exec gzip -9n {} +
    cat >"$root/DEBIAN/control" <<CONTROL
Package: $1
Source: chargen
Version: $version
Architecture: $architecture
Maintainer: $maintainer
Section: $2
Priority: optional
Installed-Size: $(du -sk "$root/usr" | cut -f1)
$4
Description: $3
CONTROL
    (cd "$root" && find usr -type f -exec md5sum {} +) >"$root/DEBIAN/md5sums"
    dpkg-deb --root-owner-group --build "$root" "$folder" >&2
}

# The library is not a package of its own, apart from its header.
mkdir -p "$library/usr/share/lintian/overrides" "$library/DEBIAN"
printf 'libchargen-dev: %s\n' package-name-doesnt-match-sonames link-to-shared-library-in-wrong-package \
    >"$library/usr/share/lintian/overrides/libchargen-dev"
printf 'libchargen %s libchargen-dev (>= %s)\n' "${soname##*.so.}" "$version" >"$library/DEBIAN/shlibs"
echo 'activate-noawait ldconfig' >"$library/DEBIAN/triggers"
package libchargen-dev libdevel "library that generates text, character by character
 Loads a small recurrent neural network from one file and streams text in the
 style of what it was trained on. The package has the shared and the static
 library, the header, and the descriptions for pkg-config and CMake." \
    "Multi-Arch: same
Depends: $(needed "$library/usr/lib/$multiarch/$soname")"
package chargen-trainer text "trains character-level text generators
 Trains a small recurrent neural network on a text, and writes it as one file,
 from which this command and libchargen generate text." \
    "Depends: $(needed "$trainer/usr/bin/trainer"), libgcc-s1, libstdc++6
Recommends: libopenblas0
Suggests: openmpi-bin"
