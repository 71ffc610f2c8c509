#!/bin/sh
# Checks the plugin ABI with gcc and clang: the headers as C99 and C++17, the frozen layout, the example source.
# Prints one line per check and stops at the first that fails.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

strict='-Wall -Wextra -Wpedantic -Werror'
sanitize='-g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'
include="-I$root/Sources/PluginABI"

# What an author writes in either language: text in initializers and expressions, and the entry's definition.
use='#include <loghost/loghost.h>
static const loghost_header header = {LOGHOST_TEXT("a"), LOGHOST_TEXT("b" "c")};
static size_t size_of(loghost_bytes bytes) { return bytes.size; }
const loghost_plugin *loghost_plugin_v1(void) {
    static loghost_plugin plugin;
    plugin.name = header.value;
    plugin.flags = (uint32_t)size_of(LOGHOST_TEXT_VALUE("d"));
    return &plugin;
}'

# check NAME COMMAND...: runs it, shows its output only when it fails.
check() {
    name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        echo "ok       $name"
    else
        echo "FAILED   $name"
        cat "$work/log"
        exit 1
    fi
}

skip() {
    echo "skipped  $1"
}

# compile_text COMPILER LANGUAGE STANDARD TEXT
compile_text() {
    # shellcheck disable=SC2086 # lists of flags
    printf '%s\n' "$4" | "$1" -x "$2" "-std=$3" $strict "$include" -fsyntax-only -
}

# build_example COMPILER OUTPUT FLAG...: with the command of its README.
build_example() (
    compiler=$1 output=$2
    shift 2
    cd "$root/Examples/c-source"
    # shellcheck disable=SC2086
    "$compiler" "$@" -std=c99 $strict -fvisibility=hidden -shared -fPIC -I../../Sources/PluginABI -o "$output" source.c
)

# drive COMPILER LIBRARY FLAG...: builds the driver and runs it in a new directory.
drive() {
    compiler=$1 library=$2
    shift 2
    files=$(mktemp -d "$work/files.XXXXXX")
    # shellcheck disable=SC2086
    "$compiler" "$@" -std=c99 $strict "$include" -o "$work/drive" "$root/Tests/ABI/drive.c" -ldl &&
        "$work/drive" "$library" "$files"
}

# exports_one_symbol LIBRARY: not counting the marks that the gold linker puts at the ends of sections.
exports_one_symbol() {
    nm -D --defined-only "$1" | awk '$NF !~ /^(__bss_start|_edata|_end)$/ { print $NF }' >"$work/symbols"
    cat "$work/symbols"
    [ "$(cat "$work/symbols")" = loghost_plugin_v1 ]
}

has_sanitizers() {
    # shellcheck disable=SC2086
    printf 'int main(void) { return 0; }\n' | "$1" $sanitize -x c -o "$work/probe" - && "$work/probe"
}

# find_compiler NAME: its path; clang may only be there beside swift.
find_compiler() {
    command -v "$1" && return
    swift=$(command -v swift) || return
    beside=$(dirname "$(readlink -f "$swift")")/$1
    [ -x "$beside" ] && echo "$beside"
}

check_compiler() {
    name=$1
    if ! cc=$(find_compiler "$1"); then
        skip "$name: no such compiler"
        return
    fi
    label=$name
    found=$((found + 1))
    if cxx=$(find_compiler "$2"); then languages='c:c99 c++:c++17'; else languages='c:c99'; fi
    [ -n "$cxx" ] || skip "$label: C++17: no $2"

    for language in $languages; do
        case $language in c:*) driver=$cc ;; *) driver=$cxx ;; esac
        check "$label: loghost.h as ${language#*:}" \
            compile_text "$driver" "${language%:*}" "${language#*:}" '#include <loghost/loghost.h>'
        for header in "$root"/Sources/PluginABI/loghost/*.h; do
            header=${header##*/}
            [ "$header" = loghost.h ] && continue
            check "$label: $header alone as ${language#*:}" \
                compile_text "$driver" "${language%:*}" "${language#*:}" "#include <loghost/$header>"
        done
    done

    for language in $languages; do
        case $language in c:*) driver=$cc ;; *) driver=$cxx ;; esac
        check "$label: an author's use as ${language#*:}" \
            compile_text "$driver" "${language%:*}" "${language#*:}" "$use"
    done

    # shellcheck disable=SC2086
    check "$label: layout" "$cc" -std=c11 $strict "$include" -fsyntax-only "$root/Tests/ABI/layout.c"
    check "$label: example builds" build_example "$cc" "$work/libfiles-$label.so"
    check "$label: example exports one symbol" exports_one_symbol "$work/libfiles-$label.so"
    check "$label: example driven" drive "$cc" "$work/libfiles-$label.so"
    if has_sanitizers "$cc" >/dev/null 2>&1; then
        # shellcheck disable=SC2086
        check "$label: example builds with sanitizers" build_example "$cc" "$work/libfiles-$label-san.so" $sanitize
        # shellcheck disable=SC2086
        check "$label: example driven with sanitizers" drive "$cc" "$work/libfiles-$label-san.so" $sanitize
    else
        skip "$label: example with sanitizers: no runtime"
    fi
}

found=0
check_compiler gcc g++
check_compiler clang clang++
if [ "$found" = 0 ]; then
    echo "FAILED   neither gcc nor clang is here"
    exit 1
fi
