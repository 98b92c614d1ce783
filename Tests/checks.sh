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
