#!/bin/sh
# Sets everything up, then runs two TensorFlow 1 programs and a digit classifier.
# PYTHON and VENV choose the Python and the environment's folder: see setup.sh.
set -eu
cd "$(dirname "$0")"
./setup.sh demo
for program in first_program cosine digits; do
    printf '\n$ retrograd run examples/%s.py\n' "$program"
    "${VENV:-.venv}/bin/python" -m retrograd run "examples/$program.py"
done
