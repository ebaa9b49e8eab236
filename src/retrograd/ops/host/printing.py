"""Checks and printing while a graph runs: `tf.Assert`, `tf.Print`, `tf.print`."""

from __future__ import annotations

import os
import pprint
import random
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from retrograd import dtypes, errors, nest
from retrograd.graph import context, dispatch
from retrograd.graph.composite import SparseTensor
from retrograd.graph.convert import convert_n_to_tensor, convert_to_tensor
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.flow.control import no_op

if TYPE_CHECKING:
    from retrograd.run.eager import EagerTensor
    from retrograd.typing import Structure, TensorLike


def Assert(
    condition: TensorLike,
    data: Sequence[TensorLike],
    summarize: int | None = None,
    name: str | None = None,
) -> Any:
    """An operation that fails where `condition` does not hold.

    Args:
      condition: a scalar bool tensor.
      data: tensors that the error shows.
      summarize: how many elements of each, 3 by default.
      name: the name scope.

    Raises:
      InvalidArgumentError: (eager mode) the condition does not hold.
    """
    if context.executing_eagerly():
        if not condition:
            values: Any = convert_n_to_tensor(data)
            shown = [_eager_summary(x, summarize) for x in values]
            text = "\n".join(shown)
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Expected '{condition!s}' to be true. Summarized data: {text}",
            )
        return None
    tensors = [t for t in (condition, *data) if isinstance(t, Tensor)]
    with dispatch.name_scope(name, "Assert", tensors):
        values = convert_n_to_tensor(data)

        def fail() -> Operation:
            return F.Assert(condition, list(data), summarize=summarize, name="Assert")

        if all(v.dtype in (dtypes.string, dtypes.int32) for v in values):
            return fail()
        condition = convert_to_tensor(condition, name="Condition")
        return cond(condition, no_op, fail, name="AssertGuard").op


def _eager_summary(tensor: EagerTensor, summarize: int | None) -> str:
    array = np.asarray(tensor.numpy())
    limit = 3 if summarize is None else array.size if summarize < 0 else summarize
    if not array.shape:
        return str(array[()]) if limit else ""
    flat = array.reshape(-1)
    shown = [str(x) for x in flat[:limit]]
    return ", ".join([*shown, "..."] if len(shown) < flat.size else shown)


def Print(
    input_: TensorLike,
    data: Sequence[TensorLike],
    message: str | None = None,
    first_n: int | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Tensor:
    """`input_`, whose computation writes `data` to stderr.

    Args:
      input_: the tensor that is passed on.
      data: tensors to print.
      message: what is written before them.
      first_n: how many times to print; a negative number for always, the default.
      summarize: how many elements of each tensor, 3 by default.
      name: the name of the operation.
    """
    return F.Print(
        input_,
        list(data),
        message=message,
        first_n=first_n,
        summarize=summarize,
        name=name,
    )


def string_format(
    template: str,
    inputs: TensorLike,
    placeholder: str = "{}",
    summarize: int = 3,
    name: str | None = None,
) -> Tensor:
    """A template with placeholders replaced by tensors.

    Args:
      template: the text.
      inputs: a tensor or a list.
      placeholder: what is replaced, once for each tensor.
      summarize: how many elements at both ends of each dimension; −1 for all.
      name: the name of the operation.

    Raises:
      ValueError: the numbers of placeholders and tensors differ.
    """
    if isinstance(inputs, Tensor) or not isinstance(inputs, list | tuple):
        inputs = [inputs]
    found = template.count(placeholder)
    if found != len(inputs):
        raise ValueError(
            f"{found} placeholder(s) in template does not match {len(inputs)} "
            "tensor(s) provided as input"
        )
    return F.StringFormat(
        list(inputs),
        template=template,
        placeholder=placeholder,
        summarize=summarize,
        name=name,
    )


def _streams() -> dict[Any, str]:
    """What `output_stream` may be, and what the op calls it."""
    import logging

    from retrograd.platform import logs

    return {
        sys.stdout: "stdout",
        sys.stderr: "stderr",
        logs.INFO: "log(info)",
        logs.info: "log(info)",
        logs.WARN: "log(warning)",
        logs.warning: "log(warning)",
        logs.warn: "log(warning)",
        logs.ERROR: "log(error)",
        logs.error: "log(error)",
        logging.info: "log(info)",
        logging.warning: "log(warning)",
        logging.error: "log(error)",
    }


def _is_tensor(value: object) -> bool:
    return isinstance(value, Tensor | SparseTensor) or hasattr(
        value, "_as_graph_element"
    )


def _unused(text: str) -> str:
    """A placeholder that does not occur in a text."""
    found, draw = "{}", random.Random(5)
    while found in text:
        found += str(draw.randint(0, 9))
    return found


def print_v2(*inputs: Structure, **kwargs: Any) -> Any:
    """An operation that writes tensors and anything else.

    Args:
      *inputs: tensors, nested structures with tensors in them, other objects.
      **kwargs: `output_stream` (`sys.stderr`; `sys.stdout`, a logging function, or
        "file://" and a path), `summarize` (3: elements at both ends of each dimension,
        −1 for all), `sep` (" "), `end` (a new line), `name`.

    Raises:
      ValueError: another keyword, or another stream.
    """
    stream = kwargs.pop("output_stream", sys.stderr)
    name = kwargs.pop("name", None)
    summarize = kwargs.pop("summarize", 3)
    sep = kwargs.pop("sep", " ")
    end = kwargs.pop("end", os.linesep)
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments for tf.print: {kwargs}")
    target = _target(stream)
    first = inputs[0] if len(inputs) == 1 else None
    if (
        isinstance(first, Tensor)
        and first._shape_raw == ()
        and first.dtype.base_dtype is dtypes.string
    ):
        text: Any = first
    else:
        template, tensors, mark = _template(inputs, sep)
        text = string_format(
            template, tensors, mark, summarize, f"{name}_format" if name else None
        )
    return F.PrintV2(text, output_stream=target, name=name, end=end)


def _target(stream: str | TextIO | Callable[..., Any]) -> str:
    if isinstance(stream, str) and stream.startswith("file://"):
        return stream
    found = _streams().get(stream)
    if found is None:
        raise ValueError(
            f"Unsupported output stream, logging level, or file.{stream}. Supported "
            "streams are sys.stdout, sys.stderr, tf.logging.info, tf.logging.warning, "
            "tf.logging.error. File needs to be in the form of 'file://<filepath>'."
        )
    return found


def _template(inputs: Sequence[Structure], sep: str) -> tuple[str, list[Any], str]:
    """What is printed with placeholders for tensors, these, and the placeholder."""
    plain = nest.map_structure(lambda x: "" if _is_tensor(x) else x, inputs)
    mark = _unused(" ".join(pprint.pformat(x) for x in plain))
    tensors: list[Any] = []
    templates = []
    for item in inputs:
        leaves: list[Any] = []
        for leaf in nest.flatten(item):
            if isinstance(leaf, SparseTensor):
                tensors += [leaf.indices, leaf.values, leaf.dense_shape]
                parts = f"indices={mark}, values={mark}, shape={mark}"
                leaves.append(f"SparseTensor({parts})")
            elif _is_tensor(leaf):
                tensors.append(leaf)
                leaves.append(mark)
            else:
                leaves.append(leaf)
        if isinstance(item, str):
            templates.append(item)
        else:
            templates.append(pprint.pformat(nest.pack_sequence_as(item, leaves)))
    return sep.join(templates).replace(f"'{mark}'", mark), tensors, mark
