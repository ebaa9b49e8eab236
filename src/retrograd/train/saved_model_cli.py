"""`saved_model_cli`: looks at SavedModels and runs them, from a command line."""

from __future__ import annotations

import argparse
import ast
import os
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.formats import messages
from retrograd.graph.graph import Graph
from retrograd.ops.folding import SUSPECT
from retrograd.platform import files
from retrograd.run.session import Session
from retrograd.train import saved_model_loader
from retrograd.train.saved_model_show import (
    show_all,
    show_inputs_outputs,
    show_signature_def_map_keys,
    show_tag_sets,
)
from retrograd.train.saved_model_utils import get_meta_graph_def, read_saved_model

if TYPE_CHECKING:
    from retrograd.typing import FeedDict, Message, PathLike

_VERSION = "0.1.0"


def show(args: argparse.Namespace) -> None:
    """Print tags, signatures, or what a signature takes and gives."""
    if args.all:
        show_all(args.dir)
    elif args.tag_set is None:
        show_tag_sets(args.dir)
    elif args.signature_def is None:
        show_signature_def_map_keys(args.dir, args.tag_set)
    else:
        show_inputs_outputs(args.dir, args.tag_set, args.signature_def)


def run(args: argparse.Namespace) -> None:
    """Run a signature, print and save what it gives.

    Raises:
      AttributeError: there are no inputs.
    """
    if not args.inputs and not args.input_exprs and not args.input_examples:
        raise AttributeError(
            "At least one of --inputs, --input_exprs or --input_examples must be "
            "required"
        )
    feeds = load_inputs_from_input_arg_string(
        args.inputs, args.input_exprs, args.input_examples
    )
    run_saved_model_with_feed_dict(
        args.dir, args.tag_set, args.signature_def, feeds, args.outdir, args.overwrite
    )


def scan(args: argparse.Namespace) -> None:
    """Print which graphs have op types that write or read files."""
    if args.tag_set:
        scan_meta_graph_def(get_meta_graph_def(args.dir, args.tag_set))
        return
    for graph in read_saved_model(args.dir).meta_graphs:
        scan_meta_graph_def(graph)


def scan_meta_graph_def(meta_graph_def: Message) -> None:
    """Print which of such op types a graph has."""
    found = {node.op for node in meta_graph_def.graph_def.node} & SUSPECT
    tags = str(list(meta_graph_def.meta_info_def.tags))
    if found:
        print(f"MetaGraph with tag set {tags} contains the following blacklisted ops:")
        print(found)
    else:
        print(f"MetaGraph with tag set {tags} does not contain blacklisted ops.")


def run_saved_model_with_feed_dict(
    saved_model_dir: PathLike,
    tag_set: str,
    signature_def_key: str,
    input_tensor_key_feed_dict: FeedDict,
    outdir: str | None,
    overwrite_flag: bool,
    worker: str | None = None,
    init_tpu: bool = False,
    tf_debug: bool = False,
) -> None:
    """Run a signature, print its outputs and save them as `.npy` files.

    Args:
      saved_model_dir: the folder.
      tag_set: the tags of the graph, with commas between them.
      signature_def_key: the signature.
      input_tensor_key_feed_dict: values by the names of its inputs.
      outdir: where outputs are saved, if anywhere.
      overwrite_flag: whether files that are there are replaced.
      worker: a session's master.
      init_tpu, tf_debug: accepted.

    Raises:
      ValueError: there is no such input.
      RuntimeError: a file is there.
    """
    del init_tpu, tf_debug
    signature = get_meta_graph_def(saved_model_dir, tag_set).signature_def[
        signature_def_key
    ]
    for key in input_tensor_key_feed_dict:
        if key not in signature.inputs:
            choices = '", "'.join(signature.inputs)
            raise ValueError(
                f'"{key}" is not a valid input key. Please choose from "{choices}", or '
                "use --show option."
            )
    feeds = {
        signature.inputs[key].name: value
        for key, value in input_tensor_key_feed_dict.items()
    }
    names = sorted(signature.outputs)
    with Session(worker or "", graph=Graph()) as session:
        tags = tag_set.split(",")
        saved_model_loader.load(session, tags, saved_model_dir)
        fetched = [signature.outputs[name].name for name in names]
        values = session.run(fetched, feed_dict=feeds)
    for name, value in zip(names, values, strict=True):
        print(f"Result for output key {name}:\n{value}")
        if outdir:
            _save(os.path.join(outdir, f"{name}.npy"), name, value, overwrite_flag)


def _save(path: str, name: str, value: object, overwrite: bool) -> None:
    folder = os.path.dirname(path)
    if not files.is_directory(folder):
        files.recursive_create_dir(folder)
    if not overwrite and files.file_exists(path):
        raise RuntimeError(
            f'Output file {path} already exists. Add "--overwrite" to overwrite the '
            "existing output files."
        )
    np.save(path, np.asarray(value))
    print(f"Output {name} is saved to {path}")


# ------------------------------------------------------------------------ inputs


def preprocess_inputs_arg_string(inputs_str: str) -> dict[str, Any]:
    """`key=file` and `key=file[name]`, with semicolons between: files by key.

    Raises:
      RuntimeError: it is something else.
    """
    found: dict[str, Any] = {}
    for text in filter(bool, inputs_str.split(";")):
        match = re.match(r"([^=]+)=([^\[\]]+)\[([^\[\]]+)\]$", text)
        if match:
            found[match[1]] = match[2], match[3]
            continue
        match = re.match(r"([^=]+)=([^\[\]]+)$", text)
        if match is None:
            raise RuntimeError(
                f'--inputs "{text}" format is incorrect. Please follow'
                '"<input_key>=<filename>", or'
                '"<input_key>=<filename>[<variable_name>]"'
            )
        found[match[1]] = match[2], None
    return found


def preprocess_input_exprs_arg_string(input_exprs_str: str) -> dict[str, Any]:
    """`key=expression`, with semicolons between: values by key.

    The expressions are Python; `np` is NumPy.

    Raises:
      RuntimeError: it is something else.
    """
    # what a person types to be computed
    return {
        key: eval(expression, {"np": np, "numpy": np})
        for key, expression in _expressions(input_exprs_str)
    }


def preprocess_input_examples_arg_string(input_examples_str: str) -> dict[str, Any]:
    """`key=[{feature: [values]}]`, with semicolons between: serialized Examples.

    Raises:
      ValueError: it is something else.
    """
    found: dict[str, Any] = {}
    for key, written in _expressions(input_examples_str):
        examples = ast.literal_eval(written)
        if not isinstance(examples, list):
            raise ValueError(
                "tf.Example input must be a list of dictionaries, but "
                f'"{examples}" is {type(examples)}'
            )
        found[key] = [_example(example) for example in examples]
    return found


def _expressions(given: str) -> Iterator[tuple[str, str]]:
    """What is between the semicolons: keys, and what is behind their `=`.

    Raises:
      RuntimeError: there is no `=`.
    """
    for text in filter(bool, given.split(";")):
        key, equals, expression = text.partition("=")
        if not equals:
            raise RuntimeError(
                f'--input_exprs "{text}" format is incorrect. Please follow'
                '"<input_key>=<python expression>"'
            )
        yield key, expression


def _example(features: dict[str, Any]) -> bytes:
    """An Example, serialized.

    Raises:
      ValueError: a feature is no list, or of a type that features do not have.
    """
    example: Any = messages.Example()
    for name, values in features.items():
        if not isinstance(values, list):
            raise ValueError(
                f'feature value must be a list, but {name}: "{values}" is '
                f"{type(values)}"
            )
        held = example.features.feature[name]
        first = values[0]
        if isinstance(first, float):
            held.float_list.value.extend(values)
        elif isinstance(first, (str, bytes)):
            texts = [v.encode() if isinstance(v, str) else v for v in values]
            held.bytes_list.value.extend(texts)
        elif isinstance(first, int):
            held.int64_list.value.extend(values)
        else:
            raise ValueError(
                f"Type {type(first)} for value {first} is not supported for "
                "tf.train.Feature."
            )
    return example.SerializeToString()


def load_inputs_from_input_arg_string(
    inputs_str: str, input_exprs_str: str, input_examples_str: str
) -> dict[str, Any]:
    """The values that a command line gives, by the names of inputs.

    Raises:
      RuntimeError: an array has to be chosen of a file that has several.
    """
    found: dict[str, Any] = {}
    for key, (name, inner) in preprocess_inputs_arg_string(inputs_str).items():
        with files.open_stream(name, "rb") as stream:
            data = np.load(stream, allow_pickle=False)
            found[key] = _chosen(data, name, inner)
    exprs = preprocess_input_exprs_arg_string(input_exprs_str)
    examples = preprocess_input_examples_arg_string(input_examples_str)
    for given, flag in ((exprs, "--input_exprs"), (examples, "--input_examples")):
        for key, value in given.items():
            if key in found:
                print(f"input_key {key} has been specified by two options: {flag} wins")
            found[key] = value
    return found


def _chosen(data: Any, name: str, inner: str | None) -> Any:
    if isinstance(data, np.ndarray):
        return data
    if inner is not None:
        if inner not in data:
            raise RuntimeError(
                f"Input file {name} does not contain variable with name {inner}."
            )
        return data[inner]
    if len(data.files) != 1:
        raise RuntimeError(
            f"Input file {name} contains more than one ndarrays. Please specify the "
            "name of ndarray to use."
        )
    return data[data.files[0]]


# ------------------------------------------------------------------ command line


def create_parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="saved_model_cli", description="saved_model_cli: SavedModels in words"
    )
    parser.add_argument("-v", "--version", action="version", version=_VERSION)
    commands = parser.add_subparsers(
        title="commands", description="valid commands", dest="command", required=True
    )
    showing = commands.add_parser("show", help="what a SavedModel holds")
    running = commands.add_parser("run", help="run a signature")
    scanning = commands.add_parser("scan", help="look for ops that use files")
    for each in (showing, running, scanning):
        each.add_argument("--dir", required=True, help="the folder of the SavedModel")
        needed = each is running
        each.add_argument("--tag_set", required=needed, help="tags, with commas")
    showing.add_argument("--all", action="store_true", help="everything")
    for each in (showing, running):
        needed = each is running
        each.add_argument("--signature_def", required=needed, metavar="KEY")
    running.add_argument("--inputs", default="", help="key=file.npy; …")
    running.add_argument("--input_exprs", default="", help="key=expression; …")
    running.add_argument("--input_examples", default="", help="key=[{…}]; …")
    running.add_argument("--outdir", help="where outputs are saved")
    running.add_argument("--overwrite", action="store_true", help="replace files")
    running.add_argument("--tf_debug", action="store_true", help="accepted")
    running.add_argument("--worker", help="a session's master")
    showing.set_defaults(func=show)
    running.set_defaults(func=run)
    scanning.set_defaults(func=scan)
    return parser


def main() -> None:
    """Do what the command line of the process says."""
    args = create_parser().parse_args(sys.argv[1:])
    args.func(args)


run_main = main
