#!/bin/sh
# Sets everything up, then runs the tests, as many at once as there are processors, and
# those that have to be alone after them; arguments go to pytest.
# PYTHON and VENV choose the Python and the environment's folder: see setup.sh.
set -eu
cd "$(dirname "$0")"
./setup.sh test
python=${VENV:-.venv}/bin/python
"$python" -m pytest -q -n auto --dist worksteal -m "not alone" "$@"
"$python" -m pytest -q -m alone "$@" || [ $? -eq 5 ] # 5: there is none among these
