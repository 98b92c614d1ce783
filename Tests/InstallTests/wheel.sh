#!/bin/sh
# Installs the wheels into fresh virtual environments, with nothing else on the PATH:
#
#     wheel.sh FOLDER MODEL
set -u
wheels=$(realpath "$1")
model=$(realpath "$2")
cd "$(dirname "$0")/../.." || exit 1
. Tests/checks.sh
python=$(PATH=/usr/bin:$PATH command -v python3)

# What a wheel has, apart from its own records.
content() { "$python" -m zipfile -l "$1" | awk 'NR > 1 { print $1 }' | grep -v dist-info | sort | tr '\n' ' '; }
modules='chargen/__init__.py chargen/__main__.py chargen/_batch.py chargen/_beam.py chargen/_library.py chargen/_model.py chargen/_owner.py chargen/_session.py chargen/libchargen.so chargen/py.typed'
check 'there are three wheels' same 3 "$(find "$wheels" -name '*.whl' | wc -l)"
for platform in manylinux_2_17 musllinux_1_2; do
    check "that for $platform has the modules and the library" same "$modules " "$(content "$wheels"/*-py3-none-${platform}_*.whl)"
done
check 'that for manylinux_2_35 has the trainer too' same "$modules chargen/trainer " "$(content "$wheels"/*-py3-none-manylinux_2_35_*.whl)"

# The newest glibc that a file asks for.
newest() { objdump -T "$1" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -1 | cut -d_ -f2; }
at_most() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | tail -1)" = "$2" ] || { echo "$1 > $2"; return 1; }; }
"$python" -m zipfile -e "$wheels"/*manylinux_2_35*.whl "$work/content" || exit 1
check 'the library needs a glibc of 2.17 at most' at_most "$(newest "$work/content/chargen/libchargen.so")" 2.17
check 'the trainer needs one of 2.35 at most' at_most "$(newest "$work/content/chargen/trainer")" 2.35

# in_environment NAME COMMAND…: runs a command of a virtual environment, which has no other.
in_environment() {
    name=$1
    command=$2
    shift 2
    (cd "$work" && env -i PATH="$work/$name/bin" HOME="$work" "$work/$name/bin/$command" "$@")
}
for platform in manylinux_2_17 manylinux_2_35; do
    "$python" -m venv "$work/$platform" || exit 1
    check "pip installs the wheel for $platform" in_environment $platform pip install --quiet --no-index \
        --disable-pip-version-check "$wheels"/*-py3-none-${platform}_*.whl
    generated() {
        in_environment $platform python3 -c "import chargen
session = chargen.Session(chargen.Model('$model'), seed=1)
print(session.generate(100), chargen._library._library._name)"
    }
    library=$(find "$work/$platform" -name libchargen.so)
    expected=$(PYTHONPATH=examples/python CHARGEN_LIBRARY=$library "$python" -c "import chargen
print(chargen.Session(chargen.Model('$model'), seed=1).generate(100))")
    check 'its library generates text' same "$expected $library" "$(generated)"
done
check 'pip chooses the one with the trainer' in_environment manylinux_2_17 pip install --quiet --no-index --upgrade \
    --force-reinstall --disable-pip-version-check --find-links "$wheels" chargen --pre
trains() {
    in_environment manylinux_2_17 chargen train "$PWD/examples/place-names.txt" --documents line --hidden 16 --layers 1 \
        --epochs 1 --run run --sample-length 0 2>"$work/errors" >/dev/null || { cat "$work/errors"; return 1; }
    (cd "$work" && in_environment manylinux_2_17 chargen export names.cgw --run run >/dev/null) || return 1
    in_environment manylinux_2_17 chargen generate names.cgw --length 10 >"$work/names" && test -s "$work/names"
}
check 'chargen trains, exports and generates' trains
without_trainer() {
    "$work/manylinux_2_35/bin/pip" install --quiet --no-index --force-reinstall --disable-pip-version-check \
        "$wheels"/*-py3-none-manylinux_2_17_*.whl || return 1
    in_environment manylinux_2_35 chargen train x 2>"$work/errors" && return 1
    grep -q 'no trainer' "$work/errors" || { cat "$work/errors"; return 1; }
}
check 'chargen says where it has no trainer' without_trainer
