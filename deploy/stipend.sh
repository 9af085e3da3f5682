#!/bin/sh
# Runs another command of the program with the settings of the service, as its user, in its folder:
#
#   sudo stipend check
#
# deploy/install.sh puts it in /usr/local/sbin.
set -eu

[ "$(id -u)" -eq 0 ] || { echo "stipend: it needs root: sudo stipend $*" >&2; exit 77; }
[ $# -gt 0 ] || { echo "stipend: systemctl starts the bot; this is for: stipend check, ..." >&2; exit 64; }

# As in stipend.service; what stands in config.env goes first.
exec systemd-run --pipe --wait --quiet --collect --uid=stipend --gid=stipend \
    --working-directory=/var/lib/stipend --property=UMask=0077 \
    --property=StateDirectory=stipend --property=StateDirectoryMode=0700 \
    --property=EnvironmentFile=/etc/stipend/config.env \
    --setenv=STIPEND_DATABASE_URL=sqlite+aiosqlite:////var/lib/stipend/stipend.db \
    /opt/stipend/venv/bin/python -m bot "$@"
