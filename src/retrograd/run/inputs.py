"""Which argument of its signature each input tensor of an operation belongs to."""

from __future__ import annotations

from retrograd.graph.operation import Operation


def input_names(op: Operation) -> list[str]:
    """For each input tensor, the name of the argument it belongs to."""
    if op._op_def is None:
        return [""] * len(op._inputs)
    names: list[str] = []
    for arg in op._op_def.inputs:
        if arg.number_attr:
            names.extend([arg.name] * op.attrs[arg.number_attr])
        elif arg.type_list_attr:
            names.extend([arg.name] * len(op.attrs[arg.type_list_attr]))
        else:
            names.append(arg.name)
    return names
