"""Write slim_nets.json: digests of the graphs of slim's networks in TensorFlow 1.15.5.

Run under Python 3.7 with tensorflow==1.15.5: `python make_slim_nets.py`; with names of
cases after it, the lines of their operations are printed instead.
"""

import json
import os
import sys

import slim_net_runs
import tensorflow as tf


def main():
    tf.compat.v1.logging.set_verbosity("ERROR")
    if sys.argv[1:]:
        for case in sys.argv[1:]:
            module = slim_net_runs.module_of(case)
            print("\n".join(slim_net_runs.build(tf, case, module)[0]))
        return
    found = {
        case: slim_net_runs.build(tf, case, slim_net_runs.module_of(case))[1]
        for case in slim_net_runs.CASES
    }
    for name in slim_net_runs.SMALL:
        module = slim_net_runs.module_of(name + "_50")
        found["small " + name] = slim_net_runs.values(tf, name, module)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "slim_nets.json")
    with open(path, "w") as stream:
        stream.write(json.dumps(found, sort_keys=True, indent=1) + "\n")


if __name__ == "__main__":
    main()
