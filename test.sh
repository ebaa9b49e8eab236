#!/bin/sh
# Sets everything up, then runs the tests; arguments go to pytest.
set -eu
cd "$(dirname "$0")"
./setup.sh test
exec .venv/bin/python -m pytest -q "$@"
