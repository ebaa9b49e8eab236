"""Runs the cases of `autograd_cases` with PyTorch, or with what has its interface."""

import contextlib
import io
import math


def leaves(torch):
    """The variables that expressions name, the same on both sides."""

    def wave(shape, shift):
        count = math.prod(shape)
        values = [math.sin(1.7 * i + shift) * 1.9 for i in range(count)]
        return torch.tensor(values, dtype=torch.float64).reshape(shape)

    made = {
        "x": wave((3, 4), 0.4),
        "p": wave((3, 4), 1.3).abs() + 0.3,
        "y": wave((4,), 2.2),
        "m": wave((4, 3), 3.1),
        "v": wave((4,), 4.5),
        "b": wave((2, 3, 4), 5.2),
    }
    return {name: value.requires_grad_() for name, value in made.items()}


def weights(torch, like):
    """Unequal weights, so that every element counts on its own."""
    count = like.numel()
    values = [math.cos(0.9 * i) + 1.2 for i in range(count)]
    return torch.tensor(values, dtype=torch.float64).reshape(like.shape)


def derivatives(torch, expression):
    """The value, and the first and second derivatives by each variable it names."""
    names = leaves(torch)
    value = eval(expression, {"torch": torch, **names})
    used = [k for k in names if k in set(compile(expression, "", "eval").co_names)]
    xs = [names[k] for k in used]
    scalar = (value * weights(torch, value)).sum()
    first = torch.autograd.grad(scalar, xs, create_graph=True, allow_unused=True)
    live = [g for g in first if g is not None and g.requires_grad]
    second = [None] * len(xs)
    zeros = [torch.zeros_like(x) for x in xs]
    if live:
        total = sum((g * weights(torch, g)).sum() for g in live)
        second = torch.autograd.grad(total, xs, allow_unused=True)
    return {
        "value": value.tolist(),
        "first": {k: plain(g, z) for k, g, z in zip(used, first, zeros, strict=True)},
        "second": {k: plain(g, z) for k, g, z in zip(used, second, zeros, strict=True)},
    }


def plain(gradient, zeros):
    # adding zeros gives memory to the zeros that PyTorch has not written out
    return None if gradient is None else (zeros + gradient).tolist()


def constant(torch, expression):
    """The value of an expression, and its type if it is a tensor."""
    value = eval(expression, {"torch": torch})
    if isinstance(value, torch.Tensor):
        dtype = str(value.dtype).rpartition(".")[2]
        return [value.tolist(), dtype if "'" not in dtype else value.dtype.name]
    return [value, None]


def printed(torch, program):
    """The lines that a program prints."""
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        exec(program, {"torch": torch})
    return stream.getvalue().splitlines()
