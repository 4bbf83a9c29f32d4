#!/bin/sh
# Installs the Debian packages of one list (build or test) if one of them is missing:
#     sh tests/support/packages.sh build|test
# Needs root or sudo for that; otherwise it prints the one command that is needed and fails.
set -eu

build="ca-certificates gcc libc6-dev libsqlite3-dev libssl-dev python3 python3-dev python3-venv"
test="biboumi binutils clang ejabberd gcc-aarch64-linux-gnu libc6-dev-arm64-cross libclang-rt-dev libexpat1-dev mcabber ngircd openssl postgresql procps profanity prosody python3-aioxmpp python3-nbxmpp qemu-user strace tmux util-linux valgrind"

case "${1:-}" in
build) wanted=$build ;;
test) wanted=$test ;;
*) echo "usage: $0 build|test" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null; then
    echo "Not a Debian system: make sure that you have what these packages hold: $wanted"
    exit 0
fi

missing=
for package in $wanted; do
    case "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" in
    installed) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    as_root=sudo
else
    echo "System packages are missing. As root, run:  apt-get update && apt-get install -y$missing" >&2
    exit 1
fi

# Servers among the packages are started by the tests alone: the policy keeps dpkg from starting them.
policy=/usr/sbin/policy-rc.d
kept=$policy.headrace
restore() {
    $as_root rm -f "$policy"
    if [ -e "$kept" ]; then $as_root mv "$kept" "$policy"; fi
}
trap restore EXIT
trap 'exit 1' HUP INT TERM
if [ -e "$policy" ] && [ ! -e "$kept" ]; then $as_root mv "$policy" "$kept"; fi
printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
$as_root chmod 755 "$policy"

$as_root apt-get -q update
# shellcheck disable=SC2086  # a list on purpose
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $missing </dev/null
