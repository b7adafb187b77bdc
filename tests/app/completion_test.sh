#!/usr/bin/env bash
# Bash completion offers what the engine's own help lists. Usage: completion_test.sh COMPLETIONS ENGINE
set -euo pipefail
source "$1"
engine=$2

# offered WORDS...: what completion proposes for the last word.
offered() {
    COMP_WORDS=("$engine" "$@")
    COMP_CWORD=$#
    _moescope_engine "$engine"
    printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' '
}
expect() {
    [ "$1" = "$2" ] || { echo "completion_test: offered '$1', wanted '$2'" >&2; exit 1; }
}

expect "$(offered re)" "record report "
expect "$(offered record --cache-e)" "--cache-experts "
expect "$(offered record --prefetch n)" "next-layer none "
expect "$(offered record --link pcie3)" "pcie3x16 pcie3x4 "
for subcommand in export info quality serve verify; do expect "$(offered "$subcommand")" "$subcommand "; done
echo "completions agree with --help"
