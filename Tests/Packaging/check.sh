#!/bin/sh
# Makes the packages of a release build, unpacks them into a root with nothing but the system libraries they depend on, and does there what an
# operator and an author of plugins do. BUILD is where the build lies.
set -eu
cd "$(dirname "$0")/../.."
build=${BUILD:-.build/release}

work=$(mktemp -d)
server=
journal=
# shellcheck disable=SC2329
cleanup() {
    [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
    [ -z "$journal" ] || kill -KILL "$journal" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

fail() {
    echo "packaging: $*" >&2
    exit 1
}

# expect WHAT TEXT PATTERN: the text has a line that matches.
expect() {
    printf '%s\n' "$2" | grep -qE -- "$3" || fail "$1: expected $3, found: $2"
}

# wait_for PATTERN FILE WHAT: until what runs has written it.
wait_for() {
    for _ in $(seq 150); do
        ! grep -q "$1" "$2" || return 0
        kill -0 "$server" 2>/dev/null || fail "$3 does not start: $(cat "$work/log")"
        sleep 0.1
    done
    fail "$3 was not ready: $(cat "$work/log")"
}

# stop WHAT: as a service manager does.
stop() {
    kill -TERM "$server"
    wait "$server" || fail "$1 does not stop cleanly: $(cat "$work/log")"
    server=
}

root=$work/root
dev=$work/dev
BUILD=$build OUT=$work COMPRESSION=none sh Packaging/deb.sh >/dev/null
dpkg-deb -x "$work"/loghost_*.deb "$root"
dpkg-deb -x "$work"/loghost-dev_*.deb "$dev"

# What is installed
depends=$(dpkg-deb -f "$work"/loghost_*.deb Depends)
for package in libc6 libcrypt1 libgcc-s1 "libstdc\+\+6" libsystemd0 zlib1g; do
    expect "dependencies" "$depends" "(^|, )$package( |,|\$)"
done
expect "conffiles" "$(dpkg-deb --ctrl-tarfile "$work"/loghost_*.deb | tar -xO ./conffiles)" '^/etc/loghost/loghost\.yaml$'
expect "owners" "$(dpkg-deb -c "$work"/loghost_*.deb | awk '{ print $2 }' | sort -u)" '^root/root$'
[ "$(dpkg-deb -c "$work"/loghost_*.deb | awk '{ print $2 }' | sort -u | wc -l)" = 1 ] || fail "not all belongs to root"
[ -z "$(find "$root" -perm /022 ! -type l)" ] || fail "others may write: $(find "$root" -perm /022 ! -type l)"
# shellcheck disable=SC2016
[ "$(patchelf --print-rpath "$root/usr/bin/loghost")" = '$ORIGIN/../lib/loghost/swift' ] || fail "the program's run path"
for plugin in "$root"/usr/lib/loghost/plugins/*.so; do
    [ "$(patchelf --print-rpath "$plugin")" = /usr/lib/loghost/swift ] || fail "the run path of $plugin"
done
# shellcheck disable=SC2016
for library in "$root"/usr/lib/loghost/swift/*.so; do
    case $(patchelf --print-rpath "$library") in
    '$ORIGIN' | '') ;;
    *) fail "the run path of $library" ;;
    esac
done
[ -z "$(grep -rlF '@PREFIX@' "$root/etc" "$root/lib" "$root/usr/share" || true)" ] || fail "places are left open"

# Manual pages
for page in loghost.1 loghost.yaml.5; do
    gzip -dc "$root/usr/share/man/man${page##*.}/$page.gz" >"$work/$page"
    [ -z "$(groff -ww -man -Tascii -P-cbou "$work/$page" 2>&1 >"$work/$page.text")" ] || fail "groff finds fault with $page"
    [ -z "$(MANWIDTH=80 man --warnings -l "$work/$page" 2>&1 >/dev/null)" ] || fail "man finds fault with $page"
    ! grep -q '@[A-Z]*@' "$work/$page.text" || fail "places are left open in $page"
done
for key in $("$build/loghost" config example | sed -n 's/^ *\(- \)\{0,1\}\([a-z_0-9]*\):\( .*\)\{0,1\}$/\2/p' | sort -u); do
    case $key in
    # Of the plugin journald.
    directory) continue ;;
    esac
    grep -qE "^[.]BR? $key( |\$)" "$work/loghost.yaml.5" || fail "loghost.yaml(5) does not know $key"
done
for option in $("$build/loghost" serve --help | grep -o -- '--[a-z-]*' | sort -u); do
    [ "$option" = --help ] || grep -qF -- "$option" "$work/loghost.1.text" || fail "loghost(1) does not know $option"
done

# Completions
bash -n "$root/usr/share/bash-completion/completions/loghost" || fail "the completions for bash"
for file in zsh/vendor-completions/_loghost fish/vendor_completions.d/loghost.fish; do
    grep -q -- 'log-level' "$root/usr/share/$file" || fail "the completions in $file"
done

# Units
unit=$root/lib/systemd/system/loghost
expect "the socket" "$(cat "$unit.socket")" '^SocketMode=0660$'
if command -v systemd-analyze >/dev/null; then
    systemd-analyze security --offline=yes --threshold=15 "$unit.service" >"$work/security" 2>&1 ||
        fail "the service is exposed more than 1.5: $(tail -1 "$work/security")"
fi

# A machine without Swift: the system libraries that the packages depend on, and a journal.
find "$root" -name '*.so' -o -name loghost -type f -perm /111 | while read -r file; do ldd "$file"; done |
    sed -n 's/.* => \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*ld-linux[^ ]*\) .*/\1/p' | sort -u |
    grep -v "^$root/" | grep -v /swift/ | while read -r library; do cp -L --parents "$library" "$root"; done
mkdir -p "$root/proc" "$root/run/loghost" "$root/tmp"
machine=0123456789abcdef0123456789abcdef
echo "$machine" >"$root/etc/machine-id"
mkdir -p "$root/var/log/journal/$machine"
printf '__REALTIME_TIMESTAMP=1700000000000000\nMESSAGE=from the package\nPRIORITY=6\n\n' |
    /lib/systemd/systemd-journal-remote -o "$root/var/log/journal/$machine/system.journal" - >/dev/null 2>&1

# inside COMMAND...: there. A mount namespace of its own, so that nothing is left mounted.
unshare="unshare -m"
[ "$(id -u)" = 0 ] || unshare="unshare -rm"
# The words are meant.
# shellcheck disable=SC2016
enter='mount --rbind /proc "$0/proc" && exec chroot "$0" "$@"'
inside() {
    $unshare sh -c "$enter" "$root" "$@"
}

expect "the version" "$(inside /usr/bin/loghost --version)" '^[0-9]+\.'
expect "the configuration" "$(inside /usr/bin/loghost config check /etc/loghost/loghost.yaml)" 'good$'
for example in tls-and-tokens every-key; do
    expect "$example.yaml" "$(inside /usr/bin/loghost config check "/usr/share/doc/loghost/examples/$example.yaml")" 'good$'
done
{
    echo 'plugins:'
    for plugin in "$root"/usr/lib/loghost/plugins/*.so; do
        name=${plugin##*/libloghost-}
        printf '  - {name: %s, library: %s}\n' "${name%.so}" "${plugin##*/}"
    done
} >"$root/tmp/all.yaml"
all=$(inside /usr/bin/loghost plugins list --config /tmp/all.yaml)
for name in auth-iam auth-token encoders journald mesos-sandbox; do
    expect "plugins list" "$all" "^$name: $name .*/usr/lib/loghost/plugins/|^$name: $name .*/lib/loghost/plugins/"
done

# The service, as systemd starts it.
socket=$root/run/loghost/loghost.sock
touch "$work/record"
# shellcheck disable=SC2086
python3 -B Tests/Systemd/launch.py --pass "loghost.socket=unix:$socket" --notify "@loghost-packaging-$$" --record "$work/record" \
    $unshare sh -c "$enter" "$root" /usr/bin/loghost serve --config /etc/loghost/loghost.yaml >"$work/log" 2>&1 &
server=$!
wait_for 'READY=1' "$work/record" "the service"
text=$(curl -sS --max-time 10 --unix-socket "$socket" http://localhost/v2/component)
expect "the journal as text" "$text" 'from the package$'
json=$(curl -sS --max-time 10 --unix-socket "$socket" -H 'Accept: application/json' http://localhost/v2/component)
expect "the journal as JSON" "$json" '"MESSAGE":"from the package"'
stop "the service"
[ "$(grep -c listening "$work/log")" = 1 ] || fail "the service listens elsewhere too: $(cat "$work/log")"

# The nodes of DC/OS: the plugins take their configurations, and nobody reads without a token. There is no cluster here.
for example in master agent agent-public; do
    expect "$example.yaml" "$(inside /usr/bin/loghost config check "/usr/share/doc/loghost/examples/dcos/$example.yaml")" 'good$'
    # The program that tells an agent's address belongs to DC/OS.
    sed -e 's#systemd:loghost.socket#unix:/tmp/dcos.sock#' -e 's#^      role: agent.*#&\n      agent: 127.0.0.1#' "$root/usr/share/doc/loghost/examples/dcos/$example.yaml" >"$root/tmp/dcos.yaml"
    # shellcheck disable=SC2086
    $unshare sh -c "$enter" "$root" /usr/bin/loghost serve --config /tmp/dcos.yaml >"$work/log" 2>&1 &
    server=$!
    wait_for listening "$work/log" "$example"
    task=/v2/task/frameworks/F/executors/E/runs/R/stdout
    [ $example != master ] || task=/v2/task/T
    for path in /v1/range/ /v2/component $task /system/v1/agent/A/logs/v2/component; do
        status=$(curl -sS --max-time 10 --unix-socket "$root/tmp/dcos.sock" -o /dev/null -w '%{http_code}' "http://localhost$path")
        expect "$path with $example" "$status" '^401$'
    done
    stop "$example"
done

# In the place of dcos-log, with its configuration. Its way to find the address of an agent is a program that belongs to DC/OS.
mkdir -p "$root/opt/mesosphere/bin" "$root/run/dcos" "$root/dev"
: >"$root/dev/null"
printf '#include <stdio.h>\nint main(void) { return puts("127.0.0.1") < 0; }\n' |
    gcc -x c -static -o "$root/opt/mesosphere/bin/detect_ip" -
for role in master agent agent_public; do
    echo "{\"role\": \"$role\"}" >"$root/tmp/dcos-log.json"
    # shellcheck disable=SC2086
    $unshare sh -c "$enter" "$root" /usr/bin/loghost dcos-log -config=/tmp/dcos-log.json -auth=true -timeout 2s -verbose >"$work/log" 2>&1 &
    server=$!
    wait_for listening "$work/log" "dcos-log as $role"
    status=$(curl -sS --max-time 10 --unix-socket "$root/run/dcos/dcos-log.sock" -o /dev/null -w '%{http_code}' http://localhost/v1/range/)
    expect "dcos-log as $role" "$status" '^401$'
    stop "dcos-log as $role"
done
echo '{"auth": true}' >"$root/tmp/dcos-log.json"
# shellcheck disable=SC2086
$unshare sh -c "$enter" "$root" /usr/bin/loghost dcos-log -config /tmp/dcos-log.json --auth=false >"$work/log" 2>&1 &
server=$!
wait_for listening "$work/log" "dcos-log without tokens"
status=$(curl -sS --max-time 10 --unix-socket "$root/run/dcos/dcos-log.sock" -o /dev/null -w '%{http_code}' http://localhost/v1/range/)
expect "-auth=false before the file's auth" "$status" '^20[04]$'
stop "dcos-log without tokens"
expect "an option that is none" "$(inside /usr/bin/loghost dcos-log -auht 2>&1 || true)" "Unknown option '--auht'"
expect "a role that is none" "$(inside /usr/bin/loghost dcos-log -role slave 2>&1 || true)" 'master, agent or agent_public'

# Its own log, where standard error leads to the journal: records with fields, and nothing as lines.
mkdir -p "$root/run/systemd/journal"
python3 -B -c '
import socket, sys
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.bind(sys.argv[1])
while True:
    print(journal.recv(65536).decode(errors="replace"), flush=True)
' "$root/run/systemd/journal/socket" >"$work/records" &
journal=$!
for _ in $(seq 150); do
    [ ! -S "$root/run/systemd/journal/socket" ] || break
    sleep 0.1
done
sed 's#systemd:loghost.socket#unix:/tmp/own.sock#' "$root/etc/loghost/loghost.yaml" >"$root/tmp/own.yaml"
echo 'access_log: true' >>"$root/tmp/own.yaml"
: >"$work/log"
stream=$(stat -c '%d:%i' "$work/log")
# shellcheck disable=SC2086
JOURNAL_STREAM=$stream $unshare sh -c "$enter" "$root" /usr/bin/loghost serve --config /tmp/own.yaml 2>>"$work/log" &
server=$!
wait_for 'MESSAGE=listening' "$work/records" "a host with a journal"
curl -sS --max-time 10 --unix-socket "$root/tmp/own.sock" -o /dev/null http://localhost/v2/component
stop "a host with a journal"
kill "$journal"
journal=
expect "a record of the log" "$(cat "$work/records")" '^LOGHOST_ADDRESS=unix:'
expect "a record of a request" "$(cat "$work/records")" '^LOGHOST_STATUS=200$'
[ ! -s "$work/log" ] || fail "lines beside the records: $(cat "$work/log")"

# An author in C, with nothing but the package.
gcc -std=c99 -Wall -Wextra -Werror -fvisibility=hidden -shared -fPIC -I"$dev/usr/include" -o "$root/usr/lib/loghost/plugins/libfiles.so" \
    "$dev/usr/share/doc/loghost-dev/examples/c-source/source.c"
chmod 755 "$root/usr/lib/loghost/plugins/libfiles.so"
expect "the example in C" "$(inside /usr/bin/loghost plugins inspect /usr/lib/loghost/plugins/libfiles.so --config '{"directory":"/tmp"}')" \
    '^route: *GET /v2/files/\{file\}'
# An author in Swift: the package is one, and whole.
if command -v swiftc >/dev/null; then
    kit=$dev/usr/share/loghost/PluginKit
    swift package --package-path "$kit" --scratch-path "$work/scratch" dump-package >/dev/null || fail "PluginKit is no package"
    # shellcheck disable=SC2046
    swiftc -typecheck -swift-version 6 -package-name PluginKit -module-name PluginKit -I "$kit/Sources/PluginABI" \
        -enable-experimental-feature Lifetimes \
        $(printf -- '-enable-upcoming-feature %s ' ExistentialAny InternalImportsByDefault MemberImportVisibility \
            NonisolatedNonsendingByDefault) "$kit"/Sources/PluginKit/*.swift || fail "PluginKit does not compile"
fi

# Elsewhere, and again: the operator's configuration stays.
other() {
    DESTDIR=$work/other PREFIX=/opt/lh BUILD=$build sh Packaging/install.sh
}
other
echo '# mine' >>"$work/other/etc/loghost/loghost.yaml"
other
expect "a configuration that was changed" "$(cat "$work/other/etc/loghost/loghost.yaml")" '^# mine$'
expect "its plugins" "$(cat "$work/other/etc/loghost/loghost.yaml")" '/opt/lh/lib/loghost/plugins$'
expect "its unit" "$(cat "$work/other/opt/lh/lib/systemd/system/loghost.service")" '^ExecStart=/opt/lh/bin/loghost serve '
echo "packaging: good"
