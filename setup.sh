#!/bin/sh
# Makes an environment and installs retrograd into it; called by demo.sh and test.sh.
# usage: [PYTHON=…] [VENV=.venv] ./setup.sh EXTRAS
# VENV is the environment's folder (its Python is then $VENV/bin/python), PYTHON what it
# is made with; an environment that is there is kept.
set -eu
cd "$(dirname "$0")"
venv=${VENV:-.venv}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if [ ! -x "$venv/bin/python" ] || ! new_enough "$venv/bin/python"; then
    found=
    for python in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11 \
        python3 python; do
        if command -v "$python" >/dev/null 2>&1 && new_enough "$python"; then
            found=$python
            break
        fi
    done
    if [ -z "$found" ]; then
        echo "retrograd needs Python 3.11 or later; set PYTHON to its path." >&2
        exit 1
    fi
    if [ -e "$venv" ] && [ ! -e "$venv/pyvenv.cfg" ]; then
        echo "$venv is there and is no environment; set VENV to another folder." >&2
        exit 1
    fi
    rm -rf "$venv"
    # Debian splits ensurepip off: then borrow the pip of the Python outside
    "$found" -m venv "$venv" >/dev/null 2>&1 || {
        rm -rf "$venv"
        "$found" -m venv --without-pip "$venv"
    }
fi

# ask pip for nothing when this commit's requirements are installed already
stamp="$venv/installed-$(printf '%s' "$1" | tr -c 'a-z' '-')"
if [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ]; then
    echo "Installing retrograd into $venv (once) ..." >&2
    if "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -e ".[$1]"
    else
        "${found:-python3}" -m pip --python "$venv/bin/python" install --quiet \
            --disable-pip-version-check -e ".[$1]"
    fi
    touch "$stamp"
fi
