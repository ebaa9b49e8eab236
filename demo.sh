#!/bin/sh
# Sets everything up, then runs two TensorFlow 1 programs and a digit classifier.
set -eu
cd "$(dirname "$0")"
./setup.sh demo
for program in first_program cosine digits; do
    printf '\n$ retrograd run examples/%s.py\n' "$program"
    .venv/bin/python -m retrograd run "examples/$program.py"
done
