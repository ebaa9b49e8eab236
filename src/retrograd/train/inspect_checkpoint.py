"""`tensorflow.python.tools.inspect_checkpoint`: prints what is in a checkpoint."""

from __future__ import annotations

import argparse
import math
import re
import sys
from typing import TYPE_CHECKING

import numpy as np

from retrograd.formats.checkpoint_reader import CheckpointReader, NewCheckpointReader
from retrograd.platform import app

if TYPE_CHECKING:
    from retrograd.typing import Structure


def _count_total_params(
    reader: CheckpointReader, count_exclude_pattern: str = ""
) -> int:
    """How many numbers there are, in tensors whose name a pattern is not in."""
    sizes = {
        name: math.prod(shape)
        for name, shape in reader.get_variable_to_shape_map().items()
    }
    if count_exclude_pattern:
        out = {n: s for n, s in sizes.items() if re.search(count_exclude_pattern, n)}
        print(
            f"# Excluding {len(out)} tensors ({sum(out.values())} params) that match "
            f"{count_exclude_pattern} when counting."
        )
        return sum(sizes.values()) - sum(out.values())
    return sum(sizes.values())


def print_tensors_in_checkpoint_file(
    file_name: str,
    tensor_name: str,
    all_tensors: bool,
    all_tensor_names: bool = False,
    count_exclude_pattern: str = "",
) -> None:
    """Print tensors of a checkpoint, and how many parameters there are.

    Args:
      file_name: the checkpoint, without the endings of its files.
      tensor_name: the tensor to print; if empty, a line for each tensor.
      all_tensors: whether to print all tensors.
      all_tensor_names: whether to print the names of all.
      count_exclude_pattern: a regular expression for tensors that are not counted.
    """
    try:
        reader = NewCheckpointReader(file_name)
        if all_tensors or all_tensor_names:
            for key in sorted(reader.get_variable_to_shape_map()):
                print("tensor_name: ", key)
                if all_tensors:
                    print(reader.get_tensor(key))
        elif not tensor_name:
            print(reader.debug_string().decode("utf-8"))
        else:
            print("tensor_name: ", tensor_name)
            print(reader.get_tensor(tensor_name))
        total = _count_total_params(reader, count_exclude_pattern)
        print(f"# Total number of params: {total}")
    except Exception as error:  # the tool tells whatever went wrong
        _explain(str(error), file_name)


def _explain(text: str, file_name: str) -> None:
    print(text)
    if "corrupted compressed block contents" in text:
        print("It's likely that your checkpoint file has been compressed with SNAPPY.")
    parts = (".index", ".meta", ".data")
    if "Data loss" in text and any(part in file_name for part in parts):
        proposed = ".".join(file_name.split(".")[:-1])
        print(
            "\nIt's likely that this is a V2 checkpoint and you need to provide the "
            "filename\n*prefix*.  Try removing the '.' and extension.  Try:\n"
            f"inspect checkpoint --file_name = {proposed}"
        )


def parse_numpy_printoption(kv_str: str) -> None:
    """Set one of NumPy's print options: `precision=3`.

    Raises:
      ArgumentTypeError: it is not written so, or there is no such option.
    """
    key, found, text = kv_str.partition("=")
    if not found or "=" in text:
        raise argparse.ArgumentTypeError(f"'{kv_str}' is not in the form k=v.")
    options: Structure = np.get_printoptions()
    if key not in options:
        raise argparse.ArgumentTypeError(f"'{key}' is not a valid printoption.")
    kind = type(options[key])
    if kind is type(None):
        raise argparse.ArgumentTypeError(
            f"Setting '{key}' from the command line is not supported."
        )
    try:
        value = kind(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(error) from None
    np.set_printoptions(**{key: value})


def main(unused_argv: list[str]) -> None:
    """Print what the command line asks for."""
    if not FLAGS.file_name:
        print(
            "Usage: inspect_checkpoint --file_name=checkpoint_file_name "
            "[--tensor_name=tensor_to_print] [--all_tensors] [--all_tensor_names] "
            "[--printoptions]"
        )
        sys.exit(1)
    print_tensors_in_checkpoint_file(
        FLAGS.file_name,
        FLAGS.tensor_name,
        FLAGS.all_tensors,
        FLAGS.all_tensor_names,
        FLAGS.count_exclude_pattern,
    )


FLAGS = argparse.Namespace()


def _truth(text: str) -> bool:
    return text.lower() == "true"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("--file_name", default="", help="the checkpoint")
    parser.add_argument("--tensor_name", default="", help="the tensor to print")
    parser.add_argument("--count_exclude_pattern", default="", help="not counted")
    for name in ("--all_tensors", "--all_tensor_names"):
        parser.add_argument(
            name,
            nargs="?",
            const=True,
            default=False,
            type=lambda v: v.lower() == "true",
        )
    parser.add_argument(
        "--printoptions", nargs="*", type=parse_numpy_printoption, help="k=v"
    )
    return parser


def run_main() -> None:
    """Do what the command line of the process says."""
    global FLAGS
    FLAGS, unparsed = _parser().parse_known_args()
    app.run(main=main, argv=[sys.argv[0], *unparsed])
