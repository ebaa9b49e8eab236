#!/bin/sh
# Sets everything up, then runs the tests; arguments go to pytest.
# PYTHON and VENV choose the Python and the environment's folder: see setup.sh.
set -eu
cd "$(dirname "$0")"
./setup.sh test
exec "${VENV:-.venv}/bin/python" -m pytest -q "$@"
