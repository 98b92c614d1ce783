# Sourced by test scripts. $work is a temporary folder, removed at the end.
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# check NAME COMMAND…: shows the command's output only if it fails.
check() {
    title=$1
    shift
    if "$@" >"$work/output" 2>&1; then
        echo "ok: $title"
    else
        echo "FAILED: $title"
        cat "$work/output"
        exit 1
    fi
}

same() {
    [ "$1" = "$2" ] || { printf 'expected:\n%s\ngot:\n%s\n' "$1" "$2"; return 1; }
}

# random_models FOLDER: a model of each cell and type of weights, and of each cell one with an
# unknown symbol and one with labels, for the hashes of conformance.txt. They have three tiles of
# units, the last one padded.
random_models() {
    for cell in rnn gru lstm; do
        for weights in f32 bf16 int8 int4; do
            python3 -B Tests/LibraryTests/random_model.py $cell "$1/$cell-$weights.cgw" $weights 72 0.3 || return 1
        done
        python3 -B Tests/LibraryTests/random_model.py $cell "$1/$cell-unknown.cgw" int8 72 0.3 unknown || return 1
        python3 -B Tests/LibraryTests/random_model.py $cell "$1/$cell-labels.cgw" int8 72 0.3 labels || return 1
    done
}
