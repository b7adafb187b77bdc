# Shared by ./run and ./check: packages, configuration, building. Sourced from the repository's root.

packages=(g++ cmake ninja-build ccache pkg-config git
    qt6-base-dev libqt6svg6-dev libqcustomplot-dev libgl-dev fonts-inter fonts-dejavu-core
    libsqlite3-dev libhwy-dev nlohmann-json3-dev libcli11-dev libfmt-dev libpcre2-dev
    libgtest-dev libgmock-dev libbenchmark-dev gnuplot-nox)
check_packages=(clang clang-format clang-tidy libclang-rt-14-dev sqlite3 xvfb)

# install_packages [--yes]: installs the Debian packages that are missing; asks first unless root or --yes.
install_packages() {
    command -v dpkg-query >/dev/null || return 0
    local wanted=("${packages[@]}") missing=() package
    [ "$(basename "$0")" = check ] && wanted+=("${check_packages[@]}")
    for package in "${wanted[@]}"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    local sudo=
    if [ "$(id -u)" -ne 0 ]; then
        sudo=sudo
        if [ "${1:-}" != --yes ]; then
            echo "These Debian packages are needed and missing: ${missing[*]}"
            read -r -p "Install them with sudo apt-get? [y/N] " answer || answer=n
            case "$answer" in [yY]*) ;; *) echo "Nothing was installed; the build needs them." >&2; exit 1 ;; esac
        fi
    fi
    echo "Installing: ${missing[*]}"
    local log
    log=$(mktemp)
    if ! { $sudo apt-get update && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        echo "Installing packages failed; the whole log is $log." >&2
        exit 1
    fi
    rm -f "$log"
}

# configure_and_build PRESET [targets...]
configure_and_build() {
    local preset=$1
    shift
    cmake --preset "$preset" >"build-configure.log" 2>&1 || { cat build-configure.log >&2; exit 1; }
    rm -f build-configure.log
    if [ $# -gt 0 ]; then build_target "$preset" "$@"; else cmake --build --preset "$preset"; fi
}

build_target() {
    local preset=$1
    shift
    cmake --build --preset "$preset" --target "$@" -- --quiet
}

sources() { find engine profiler ui app tests -name '*.h' -o -name '*.cpp' | sort; }

check_format() {
    sources | xargs -r clang-format --dry-run -Werror || { echo "Run clang-format -i on the files above." >&2; exit 1; }
}

run_tidy() {
    check_format
    # clang cannot read the precompiled headers of gcc. Files are read ten at a time, in a fifth of the time that they take one by
    # one; what moc makes must be there, but no library.
    cmake --preset dev -B build/tidy -DMOESCOPE_UNITY=ON -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=10 \
        -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DCMAKE_AUTOGEN_ORIGIN_DEPENDS=OFF -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >/dev/null
    cmake --build build/tidy --target ui_autogen -- --quiet
    grep -o '"file": "[^"]*\.c\(pp\|xx\)"' build/tidy/compile_commands.json | cut -d'"' -f4 |
        grep -v "^$PWD/\(build/tidy/\)\?tests/\|_autogen/" |
        xargs -r -P2 -n1 clang-tidy -p build/tidy --quiet --checks=-bugprone-suspicious-include
}

# run_fuzzers SECONDS: each fuzz target for that long; stops at the first finding.
run_fuzzers() {
    configure_and_build dev-fuzz gguf_fuzz gguf_seeds session_fuzz tokenizer_fuzz tokenizer_seeds
    mkdir -p build/dev-fuzz/corpus-gguf_fuzz build/dev-fuzz/corpus-session_fuzz
    build/dev-fuzz/tests/tokenizer_seeds build/dev-fuzz/corpus-tokenizer_fuzz
    build/dev-fuzz/tests/gguf_seeds build/dev-fuzz/corpus-gguf_fuzz
    local target
    for target in gguf_fuzz session_fuzz tokenizer_fuzz; do
        local options=-max_len=65536 # a model file; a session is fuzzed by short lists of changes to a sound one
        [ "$target" = session_fuzz ] && options="-len_control=0 -max_len=64"
        (cd build/dev-fuzz && TMPDIR=/dev/shm "tests/$target" "corpus-$target" $options -max_total_time="$1" -timeout=20 \
            -rss_limit_mb=4096 -print_final_stats=1 >"$target.log" 2>&1) ||
            { tail -n 30 "build/dev-fuzz/$target.log" >&2; echo "The fuzz target $target found a defect." >&2; exit 1; }
        echo "$target: $1 s without a finding, $(grep -o 'stat::number_of_executed_units: *[0-9]*' "build/dev-fuzz/$target.log" | grep -o '[0-9]*$') inputs"
    done
}
