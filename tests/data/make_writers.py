"""Write writers.json: what the programs of tests/summary/writer_programs.py give.

Run from the root of the repository under Python 3.7 with tensorflow==1.15.5.
"""

import json
import pathlib
import sys

import tensorflow as tf

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "summary"))

from writer_programs import PROGRAMS  # noqa: E402

found = {name: program(tf) for name, program in PROGRAMS.items()}
(HERE / "writers.json").write_text(json.dumps(found, sort_keys=True) + "\n")
