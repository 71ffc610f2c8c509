#!/bin/sh
# Puts a release build into place: the program, its plugins, the Swift runtime they need, units, manual pages, completions, examples; and
# what authors of plugins need. Nothing of it refers to the place where it was built.
#
# BUILD      where the build has left everything
# PREFIX     /usr/local, or where else the files will be
# SYSCONFDIR /etc
# UNITDIR    PREFIX/lib/systemd/system
# DESTDIR    a directory that stands for / for now
# STRIP      yes to leave debug information out
set -eu
cd "$(dirname "$0")/.."

build=${BUILD:-.build/release}
prefix=${PREFIX:-/usr/local}
sysconfdir=${SYSCONFDIR:-/etc}
unitdir=${UNITDIR:-$prefix/lib/systemd/system}
destdir=${DESTDIR:-}
case $prefix in
/*) ;;
*) echo "PREFIX: expected an absolute path, found $prefix" >&2; exit 1 ;;
esac
for tool in patchelf ldd; do
    command -v "$tool" >/dev/null || { echo "$tool is needed" >&2; exit 1; }
done
[ -x "$build/loghost" ] || { echo "$build/loghost is missing: run make build" >&2; exit 1; }
umask 022

root=$destdir$prefix
lib=$root/lib/loghost
bindir=$root/bin

# file NAME: the file with the places filled in.
filled() {
    sed -e "s#@PREFIX@#$prefix#g" -e "s#@CONFIG@#$sysconfdir/loghost#g" -e "s#@VERSION@#$version#g" "$1"
}

# place MODE FROM TO: an ELF file, without debug information if so wished.
place() {
    install -m "$1" "$2" "$3"
    [ "${STRIP:-no}" = no ] || strip --strip-debug "$3"
}

install -d "$bindir" "$lib/plugins" "$lib/swift"

# The runtime: what program and plugins need of the directory in which the compiler keeps it.
runtime=$(dirname "$(ldd "$build/loghost" | sed -n 's/.*libswiftCore\.so => \(\/[^ ]*\).*/\1/p')")
[ -f "$runtime/libswiftCore.so" ] || { echo "the Swift runtime of $build/loghost is not found" >&2; exit 1; }
ldd "$build/loghost" "$build"/libloghost-*.so | sed -n "s#.* => \($runtime/[^ ]*\) .*#\1#p" | sort -u |
    while read -r library; do
        place 644 "$library" "$lib/swift/${library##*/}"
    done

# Beside the program the runtime is found wherever it lies. A plugin is loaded through a descriptor, from where there is no "beside": it
# finds what the program has loaded, and the rest by an absolute path.
place 755 "$build/loghost" "$bindir/loghost"
# A literal $ORIGIN.
# shellcheck disable=SC2016
patchelf --set-rpath '$ORIGIN/../lib/loghost/swift' "$bindir/loghost"
for plugin in "$build"/libloghost-*.so; do
    place 644 "$plugin" "$lib/plugins/${plugin##*/}"
    patchelf --set-rpath "$prefix/lib/loghost/swift" "$lib/plugins/${plugin##*/}"
done
version=$("$build/loghost" --version)

# The configuration of an operator is not written over.
install -d "$destdir$sysconfdir/loghost"
[ -e "$destdir$sysconfdir/loghost/loghost.yaml" ] ||
    filled Packaging/loghost.yaml >"$destdir$sysconfdir/loghost/loghost.yaml"
install -d "$destdir$unitdir"
for unit in loghost.service loghost.socket; do
    filled "Packaging/systemd/$unit" >"$destdir$unitdir/$unit"
done
for page in loghost.1 loghost.yaml.5; do
    directory=$root/share/man/man${page##*.}
    install -d "$directory"
    filled "Packaging/man/$page" | gzip -9n >"$directory/$page.gz"
done
install -d "$root/share/bash-completion/completions" "$root/share/zsh/vendor-completions" "$root/share/fish/vendor_completions.d"
"$build/loghost" --generate-completion-script bash >"$root/share/bash-completion/completions/loghost"
"$build/loghost" --generate-completion-script zsh >"$root/share/zsh/vendor-completions/_loghost"
"$build/loghost" --generate-completion-script fish >"$root/share/fish/vendor_completions.d/loghost.fish"
doc=$root/share/doc/loghost
install -d "$doc/examples" "$doc/examples/dcos"
install -m 644 README.md CHANGELOG.md docs/*.md "$doc"
install -m 644 Packaging/examples/* "$doc/examples"
install -m 644 Examples/dcos/* "$doc/examples/dcos"
"$build/loghost" config example >"$doc/examples/every-key.yaml"

# For authors: the headers, and PluginKit as a package of its own.
install -d "$root/include/loghost"
install -m 644 Sources/PluginABI/loghost/*.h "$root/include/loghost"
kit=$root/share/loghost/PluginKit
for directory in PluginABI PluginABI/loghost PluginKit; do
    install -d "$kit/Sources/$directory"
done
install -m 644 Sources/PluginABI/module.modulemap "$kit/Sources/PluginABI"
install -m 644 Sources/PluginABI/loghost/*.h "$kit/Sources/PluginABI/loghost"
install -m 644 Sources/PluginKit/*.swift "$kit/Sources/PluginKit"
install -m 644 Packaging/PluginKit/Package.swift "$kit/Package.swift"
install -m 644 Plugins/exports.map "$kit/exports.map"
install -d "$root/share/doc/loghost-dev/examples/c-source"
install -m 644 Examples/c-source/* "$root/share/doc/loghost-dev/examples/c-source"
