#!/bin/sh
# make_venv.sh PYTHON FOLDER: a working virtual environment in FOLDER, or a sentence that says
# what to install. Keeps an environment that works; renews one that does not.
set -eu
python=$1
venv=$2

if "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi
if ! command -v "$python" >/dev/null 2>&1; then
    echo "Headlight needs Python 3.11 or newer, and there is no '$python'." >&2
    echo "Install it, or name another one: make run PYTHON=/path/to/python3.12" >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "Headlight needs Python 3.11 or newer; '$python' is $("$python" --version 2>&1)." >&2
    echo "Name a newer one: make run PYTHON=/path/to/python3.12" >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "'$python' cannot make virtual environments. On Debian and Ubuntu:" >&2
    echo "    sudo apt install python3-venv" >&2
    exit 1
fi
"$python" -m venv --clear "$venv"
