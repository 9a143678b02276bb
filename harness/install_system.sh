#!/bin/sh
# Installs what pip cannot: bubblewrap, and venv where the distribution ships it apart. usage: install_system.sh PYTHON
# Does nothing where both are there; without root and sudo it says the one line that is missing.
set -u
python=$1
wanted=""
command -v bwrap >/dev/null || wanted="bubblewrap"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    wanted="$wanted python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
[ -n "$wanted" ] || exit 0
if [ "$(id -u)" = 0 ]; then as_root=""; elif command -v sudo >/dev/null; then as_root="sudo"; else as_root="none"; fi
if [ "$as_root" = none ] || ! command -v apt-get >/dev/null; then
    echo "missing:$wanted; install with your package manager, on Debian or Ubuntu: apt-get install -y $wanted"
    exit 0
fi
# shellcheck disable=SC2086
$as_root apt-get install -y -qq $wanted >/dev/null 2>&1 ||
    { $as_root apt-get update -qq && $as_root apt-get install -y -qq $wanted >/dev/null; } ||
    echo "could not install:$wanted"
exit 0
