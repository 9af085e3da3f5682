#!/bin/sh
# Installs Stipend on Debian 12 or newer, as root: the user `stipend`, the program in /opt/stipend, the
# service, /etc/stipend/config.env where there is none, and the command `stipend` for the operator.
#
#   deploy/install.sh              the program with SQLite; again, to update it: with what it has
#   deploy/install.sh postgres     with the driver for PostgreSQL, too
#
# An image is built by the same steps, and deploy/clean-root.sh tries them without Docker. With
# --image first, the system is brought up to date, there is a /data, and what only installing needed
# is removed: that is for a system that has nothing else in it.
set -eu

image=''
[ "${1:-}" != --image ] || { image=yes; shift; }
source=$(cd "$(dirname "$0")/.." && pwd)
home=/opt/stipend
new=$home.new
# Whoever updates need not remember what was installed.
requirements=${1:-$(cat $home/requirements 2>/dev/null || echo run)}
export DEBIAN_FRONTEND=noninteractive

[ -f "$source/requirements/$requirements.txt" ] || {
    echo "install.sh: there is no requirements/$requirements.txt; use run or postgres" >&2
    exit 64
}
[ "$(id -u)" -eq 0 ] || { echo "install.sh: it needs root: sudo deploy/install.sh" >&2; exit 77; }

# Certificates are for TLS to Discord.
apt-get -qq update
[ -z "$image" ] || apt-get -qq upgrade --yes --no-install-recommends
apt-get -qq install --yes --no-install-recommends ca-certificates python3 python3-venv >/dev/null

# A fixed number, so that the owner of a volume is the same with every image.
id stipend >/dev/null 2>&1 || {
    groupadd --system --gid 10001 stipend
    useradd --system --key SYS_UID_MAX=10001 --uid 10001 --gid stipend --home-dir /nonexistent --no-create-home \
        --shell /usr/sbin/nologin stipend
}

# Every package as it was locked, and nothing that would have to be built here.
rm -rf "$new"
install -d -m 0755 "$new"
python3 -m venv "$new/venv"
"$new/venv/bin/python" -m pip install --quiet --no-cache-dir --disable-pip-version-check \
    --require-hashes --only-binary :all: --requirement "$source/requirements/$requirements.txt"
"$new/venv/bin/python" -m pip uninstall --quiet --yes setuptools pip
find "$new/venv/bin" -type f ! -name 'python*' -delete

# A fifth of it is never read: tests and sources of libraries, and languages that nothing is
# written in (bot/ui asks Babel for English only).
(
    cd "$new"/venv/lib/python3*/site-packages
    find . -type d \( -name test -o -name tests -o -name SelfTest \) -prune -exec rm -rf {} +
    find . -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' \) -delete
    find babel/locale-data -type f ! -name root.dat ! -name 'en*.dat' ! -name LICENSE.unicode -delete
    echo "$home/app" >stipend.pth
)

# Nobody may write there later, so modules are compiled now.
mkdir "$new/app"
cp -R "$source/bot" "$source/cogs" "$source/storage" "$source/LICENSE" "$new/app/"
echo "$requirements" >"$new/requirements"
find "$new/app" -name __pycache__ -type d -prune -exec rm -rf {} +
"$new/venv/bin/python" -m compileall -q "$new/app"
chmod -R go=u-w "$new"

# A bot that is running finds all of its old files until now, and all of the new ones at its start.
rm -rf "$home.old"
[ ! -e "$home" ] || mv "$home" "$home.old"
mv "$new" "$home"
rm -rf "$home.old"

if [ -n "$image" ]; then
    install -d -o stipend -g stipend -m 0700 /data
    apt-get -qq purge --yes --autoremove python3-venv
    apt-get clean
    rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log
    exit
fi

install -m 0755 "$source/deploy/stipend.sh" /usr/local/sbin/stipend
install -m 0644 "$source/deploy/stipend.service" /etc/systemd/system/stipend.service
[ ! -d /run/systemd/system ] || systemctl daemon-reload
[ -e /etc/stipend/config.env ] ||
    install -D -m 0600 "$source/config.example.env" /etc/stipend/config.env
echo "Stipend is in $home ($requirements), its settings are in /etc/stipend/config.env. Next:"
echo "sudo stipend check, then sudo systemctl enable --now stipend (after an update: restart stipend)"
