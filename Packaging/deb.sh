#!/bin/sh
# Makes the Debian packages loghost and loghost-dev of a release build.
#
# BUILD       where the build has left everything
# OUT         where to put them, .build/deb
# COMPRESSION of dpkg-deb: xz
# MAINTAINER  who answers for them
set -eu
cd "$(dirname "$0")/.."

build=${BUILD:-.build/release}
out=${OUT:-.build/deb}
maintainer=${MAINTAINER:-LogHost <loghost@localhost>}
for tool in dpkg-deb dpkg-shlibdeps; do
    command -v "$tool" >/dev/null || { echo "$tool is needed" >&2; exit 1; }
done
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

root=$work/loghost
dev=$work/loghost-dev
DESTDIR=$root PREFIX=/usr UNITDIR=/lib/systemd/system BUILD=$build STRIP=yes sh Packaging/install.sh
architecture=$(dpkg --print-architecture)
version=$("$build/loghost" --version | sed 's/-/~/g')

# What authors need is a package of its own.
install -d "$dev/usr/share/doc"
mv "$root/usr/include" "$dev/usr/include"
mv "$root/usr/share/loghost" "$dev/usr/share/loghost"
mv "$root/usr/share/doc/loghost-dev" "$dev/usr/share/doc/loghost-dev"

# The packages of what program, plugins and runtime are linked with. The runtime itself lies in this one.
mkdir "$work/debian"
printf 'Source: loghost\n\nPackage: loghost\nArchitecture: any\nDescription: x\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O --ignore-missing-info -l"$root/usr/lib/loghost/swift" \
    "$root/usr/bin/loghost" "$root"/usr/lib/loghost/*/*.so 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
case $depends in
*libc6*libsystemd0*) ;;
*) echo "the packages that loghost depends on cannot be found out: $depends" >&2; exit 1 ;;
esac

copyright() {
    cat <<TEXT
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: LogHost

Files: *
Copyright: the authors of LogHost
License: Apache-2.0

Files: usr/lib/loghost/swift/*
Copyright: Apple Inc. and the Swift project authors
License: Apache-2.0 with the Swift runtime library exception

License: Apache-2.0
 On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.
TEXT
}

# control PACKAGE DIRECTORY: fields on standard input; the size and the sums are counted here.
control() {
    install -d "$2/DEBIAN" "$2/usr/share/doc/$1"
    copyright >"$2/usr/share/doc/$1/copyright"
    { printf 'Package: %s\nVersion: %s\nMaintainer: %s\n' "$1" "$version" "$maintainer"
      printf 'Installed-Size: %s\n' "$(du -k -s --exclude=DEBIAN "$2" | cut -f1)"
      cat; } >"$2/DEBIAN/control"
    (cd "$2" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum) >"$2/DEBIAN/md5sums"
}

control loghost "$root" <<TEXT
Architecture: $architecture
Section: admin
Priority: optional
Depends: $depends
Recommends: init-system-helpers, libdeflate0, libzstd1
Description: serve the logs of a node over HTTP
 Serves the journal and other logs over HTTP as text, JSON or server-sent
 events. Each kind of log, output format and identity check is a plugin.
 The package brings the Swift runtime that it needs.
TEXT
(cd "$root" && find etc -type f -printf '/%p\n') >"$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do
    install -m 755 "Packaging/debian/$script" "$root/DEBIAN/$script"
done

control loghost-dev "$dev" <<TEXT
Architecture: all
Section: devel
Priority: optional
Suggests: loghost (= $version)
Description: headers and PluginKit for authors of plugins for loghost
 The C headers of the plugin interface, PluginKit for plugins in Swift, and a
 log source in C as an example.
TEXT

mkdir -p "$out"
dpkg-deb --root-owner-group "-Z${COMPRESSION:-xz}" --build "$root" "$out/loghost_${version}_$architecture.deb"
dpkg-deb --root-owner-group "-Z${COMPRESSION:-xz}" --build "$dev" "$out/loghost-dev_${version}_all.deb"
