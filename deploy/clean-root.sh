#!/bin/bash
# Tries the Dockerfile's steps without Docker: in a new Debian root it runs deploy/install.sh, then
# starts the program as the image does (same user, read-only root, no capabilities, a writable
# /data) and measures what an image of it would be. As root, with debootstrap:
#
#   deploy/clean-root.sh [--keep] [--bind FOLDER]... [FOLDER]
#   REQUIREMENTS=postgres deploy/clean-root.sh      with PostgreSQL, too, where this machine has it
#
# It works in FOLDER/stipend-root, by default in a new folder; --keep leaves that. --bind shows a
# folder of this machine, read-only, while packages are installed; PIP_* variables are handed on.
set -euo pipefail

source=$(cd "$(dirname "$0")/.." && pwd)
# The mirror that this machine uses, unless another is named.
mirror=${MIRROR:-$(sed -En 's/^URIs: *//p; s/^deb +(\[[^]]*\] +)?([^ ]+) .*/\2/p' \
    /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | head -n 1 || true)}
mirror=${mirror%/}
limit_mb=250
keep='' work='' program='' programs='' binds=()

while [ $# -gt 0 ]; do
    case $1 in
        --keep) keep=yes ;;
        --bind) binds+=("$2"); shift ;;
        *) work=$1 ;;
    esac
    shift
done
[ "$(id -u)" -eq 0 ] || { echo "clean-root.sh: it needs root" >&2; exit 77; }
[ -n "$mirror" ] || { echo "clean-root.sh: name a Debian mirror in MIRROR" >&2; exit 77; }
command -v debootstrap >/dev/null || { echo "clean-root.sh: install debootstrap first" >&2; exit 77; }

if [ -n "$work" ]; then work=$(realpath -m "$work")/stipend-root; else work=$(mktemp -d); fi
root=$work/root data=$work/data
mkdir -p "$work"

say() { echo "clean root: $*"; }
fail() { echo "clean root: FAILED: $*" >&2; exit 1; }

# What the Dockerfile says is read from it, so that nothing is tried that the image does not do.
setting() { sed -n "s/^$1 //p" "$source/Dockerfile"; }
user=$(setting USER) folder=$(setting WORKDIR)
mapfile -t environment < <(setting ENV)
grep -q 'sh /source/deploy/install.sh --image "$REQUIREMENTS"$' "$source/Dockerfile" ||
    fail "the Dockerfile does not run deploy/install.sh"
requirements=${REQUIREMENTS:-$(sed -n 's/^ARG REQUIREMENTS=//p' "$source/Dockerfile")}

unmount() {
    { grep -o " $work/[^ ]*" /proc/mounts || true; } | sort -r |
        while read -r mounted; do umount "$mounted"; done
    # Nothing may be deleted through what is still mounted.
    ! grep -q " $work/" /proc/mounts || fail "something is still mounted below $work"
}
clean() {
    [ -z "$program" ] || kill -KILL "$program" 2>/dev/null || true
    [ ! -f "$work/server/data/postmaster.pid" ] ||
        setpriv --reuid nobody --regid nogroup --clear-groups \
            "$programs/pg_ctl" --pgdata "$work/server/data" --mode fast stop >/dev/null || true
    unmount
    [ -n "$keep" ] || rm -rf --one-file-system "$work"
}
trap clean EXIT

# ---------------------------------------------------------------- the base image

suite=bookworm
if [ ! -e "$work/base" ]; then
    say "debootstrap of $suite from $mirror"
    debootstrap --variant=minbase "$suite" "$work/base.new" "$mirror" >"$work/debootstrap.log" 2>&1 ||
        { tail -n 5 "$work/debootstrap.log" >&2; fail "debootstrap"; }
    mv "$work/base.new" "$work/base"
fi
unmount
rm -rf --one-file-system "$root" "$data"
mkdir "$data"
cp -a "$work/base" "$root"
# The slim images of Debian are without these, too.
printf 'path-exclude /usr/share/%s/*\n' doc info locale man lintian >"$root/etc/dpkg/dpkg.cfg.d/slim"
for name in doc info locale man lintian; do rm -rf "$root/usr/share/$name"; mkdir "$root/usr/share/$name"; done
printf 'deb %s %s main\n' "$mirror" "$suite" "$mirror" "$suite-updates" \
    "${mirror%/debian}/debian-security" "$suite-security" >"$root/etc/apt/sources.list"
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
size() { du -sxm "$root" | cut -f1; }
base_mb=$(size)

# ---------------------------------------------------------------- RUN

say "deploy/install.sh $requirements"
mkdir "$root/source"
mount --bind "$source" "$root/source"
mount -o remount,bind,ro "$root/source"
mount -t proc proc "$root/proc"
for each in "${binds[@]}"; do
    mkdir -p "$root/$each"
    mount --bind "$each" "$root/$each"
    mount -o remount,bind,ro "$root/$each"
done
cp /etc/resolv.conf "$root/etc/resolv.conf"
mapfile -t handed_on < <(env | grep -E '^PIP_[A-Z_]+=' || true)
env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${handed_on[@]}" \
    chroot "$root" sh /source/deploy/install.sh --image "$requirements" >"$work/install.log" 2>&1 ||
    { tail -n 20 "$work/install.log" >&2; fail "deploy/install.sh"; }
unmount
rmdir "$root/source"
rm "$root/etc/resolv.conf"
for each in "${binds[@]}"; do
    (cd "$root" && rmdir --parents --ignore-fail-on-non-empty "${each#/}")
done
install -d -m 1777 "$root/tmp"
total_mb=$(size)

# ---------------------------------------------------------------- USER, WORKDIR, ENV, CMD

# A server of this machine, where it has PostgreSQL, reached by a socket under its usual name.
server='' programs=$({ ls -d /usr/lib/postgresql/*/bin 2>/dev/null || true; } | sort -V | tail -n 1)
if [ "$requirements" = postgres ] && [ -n "$programs" ]; then
    server=$work/server
    rm -rf "$server"
    install -d -o nobody -g nogroup "$server"
    chmod a+x "$work"
    as_nobody() { setpriv --reuid nobody --regid nogroup --clear-groups -- "$@"; }
    as_nobody "$programs/initdb" --pgdata "$server/data" --username stipend --auth trust >"$work/server.log"
    as_nobody "$programs/pg_ctl" --pgdata "$server/data" --wait --log "$server/log" \
        --options "-c listen_addresses='' -c unix_socket_directories='$server'" start >>"$work/server.log"
    as_nobody "$programs/createdb" --host "$server" --username stipend stipend
    install -d "$root/run/postgresql"
fi

mount --bind "$root" "$root"
[ -z "$server" ] || mount --bind "$server" "$root/run/postgresql"
mount --bind "$data" "$root/data"
chroot "$root" chown "$user:$user" /data
chmod 700 "$data"
mount -t tmpfs -o mode=1777,size=64m tmpfs "$root/tmp"
mount -t proc proc "$root/proc"
mount -o remount,bind,ro "$root"

# A network of its own with nothing but loopback: the program finds no Discord there.
into() {
    exec unshare --net -- sh -c 'ip link set lo up 2>/dev/null; exec "$@"' sh \
        env -i "${environment[@]}" "${more[@]}" "$(command -v chroot)" "$root" \
        setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs \
        --bounding-set -all --inh-caps -all sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
}
inside() { (into "$@"); }
more=()

expect() {
    local wanted=$1 got=0
    shift
    inside "$@" >"$work/out.log" 2>&1 || got=$?
    [ "$got" -eq "$wanted" ] || { cat "$work/out.log" >&2; fail "exit code $got, not $wanted: $*"; }
    say "ok: exit code $wanted: $*"
}

[ "$(inside id -un)" = "$user" ] || fail "the user is not $user"
inside touch /data/writable || fail "/data is not writable"
inside sh -c 'rm /data/writable; ! touch /opt/stipend/app/no /etc/no 2>/dev/null' ||
    fail "the root is writable"
say "ok: user $user, read-only root, writable /data"

expect 78 python -m bot
grep -q "needs the token" "$work/out.log" || fail "it does not say that a token is missing"
expect 0 python -m bot --version
expect 0 python -m bot check
grep -q "all is well" "$work/out.log" || fail "check does not end well"

# Starts the bot, waits until it tries to connect, and stops it as a service manager does.
start_and_stop() {
    local before=("${more[@]}") started code=0
    more+=(STIPEND_DISCORD_TOKEN=MTExMTExMTExMTExMTExMTEx.x.y)
    into python -m bot >"$work/run.log" 2>&1 &
    program=$!
    more=("${before[@]}")
    for _ in $(seq 100); do
        ! grep -q "connecting again" "$work/run.log" || break
        sleep 0.3
    done
    grep -q "connecting again" "$work/run.log" || { cat "$work/run.log" >&2; fail "it does not try"; }
    say "ok: it makes its database and tries to connect, again and again"
    started=$(date +%s)
    kill -TERM "$program"
    wait "$program" || code=$?
    program=''
    [ "$code" -eq 0 ] || fail "exit code $code after SIGTERM"
    [ $(($(date +%s) - started)) -le 10 ] || fail "SIGTERM took more than 10 s"
    say "ok: SIGTERM ends it with exit code 0"
}

start_and_stop
[ -f "$data/stipend.db" ] || fail "there is no database"
expect 75 python -m bot health
expect 0 python -m bot check
expect 0 python -m bot backup /data/copy.db
expect 0 python -m bot restore /data/copy.db

if [ -n "$server" ]; then
    say "the same with PostgreSQL"
    more=("STIPEND_DATABASE_URL=postgresql+asyncpg://stipend@/stipend?host=/run/postgresql")
    start_and_stop
    expect 0 python -m bot check
    grep -q "database readable" "$work/out.log" || fail "check does not read the database"
    ! grep -q "not there yet" "$work/out.log" || fail "it made no tables"
    expect 78 python -m bot backup /data/server.db
    grep -q pg_dump "$work/out.log" || fail "it does not name pg_dump"
    more=()
fi

if inside python -c 'import simcord' 2>/dev/null; then
    expect 0 python -m bot demo --headless --out /data/demo
else
    say "ok: the packages of the demo are not there, as they should not be"
fi

say "size: $total_mb MB, of which the base has $base_mb MB (limit $limit_mb MB)"
[ "$total_mb" -lt "$limit_mb" ] || fail "it is too large"
