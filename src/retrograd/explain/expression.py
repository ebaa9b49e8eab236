"""A formula as text, such as "x**2*y + y + 2", made into a graph."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from retrograd import dtypes
from retrograd.errors import message
from retrograd.graph.graph import Graph
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F

#: whole powers up to this are written as the products that they are
_LARGEST_PRODUCT = 4

#: operations in a formula, at the most: they are followed by recursion
_MOST = 400

Operation = Callable[..., Any]

_OPERATORS: dict[type[ast.operator], Operation] = {
    ast.Add: F.AddV2,
    ast.Sub: F.Sub,
    ast.Mult: F.Mul,
    ast.Div: F.RealDiv,
    ast.Pow: F.Pow,
}


def _total(reduce: Operation) -> Operation:
    """A reduction over all dimensions."""

    def reduced(x: Tensor) -> Any:
        axes = list(range(x.shape.ndims or 0))
        return reduce(x, constant(axes, dtypes.int32))

    return reduced


#: functions that a formula may call, by name
FUNCTIONS: dict[str, Operation] = {
    "abs": F.Abs,
    "sin": F.Sin,
    "cos": F.Cos,
    "tan": F.Tan,
    "asin": F.Asin,
    "acos": F.Acos,
    "atan": F.Atan,
    "sinh": F.Sinh,
    "cosh": F.Cosh,
    "tanh": F.Tanh,
    "exp": F.Exp,
    "expm1": F.Expm1,
    "log": F.Log,
    "log1p": F.Log1p,
    "sqrt": F.Sqrt,
    "rsqrt": F.Rsqrt,
    "square": F.Square,
    "sigmoid": F.Sigmoid,
    "relu": F.Relu,
    "softplus": F.Softplus,
    "softmax": F.Softmax,
    "erf": F.Erf,
    "sign": F.Sign,
    "floor": F.Floor,
    "neg": F.Neg,
    "minimum": F.Minimum,
    "maximum": F.Maximum,
    "matmul": F.MatMul,
    "sum": _total(F.Sum),
    "mean": _total(F.Mean),
    "prod": _total(F.Prod),
    "max": _total(F.Max),
    "min": _total(F.Min),
}


class Expression:
    """A formula in a graph of its own.

    A whole power up to the fourth is the product that it is, so that the share of each
    factor shows; numbers are float64.

    Args:
      text: the formula, in Python's notation.
      values: for each variable, a number or a nested list of numbers.

    Attributes:
      graph: the graph.
      y: the tensor of the formula.
      variables: the tensor of each variable, by name.

    Raises:
      ValueError: the formula cannot be read, or names something unknown.
    """

    def __init__(self, text: str, values: Mapping[str, Any]) -> None:
        self.text = text
        self.graph = Graph()
        with self.graph.as_default():
            self.variables: dict[str, Tensor] = {
                name: constant(value, dtypes.float64, name=name)
                for name, value in values.items()
            }
            self.y = self._tensor(self._parsed())
        for op in self.graph.get_operations():
            op._stack = ()  # no line of a program made it

    def _parsed(self) -> ast.expr:
        try:
            parsed = ast.parse(self.text.strip(), mode="eval").body
        except SyntaxError as error:
            raise self._error("cannot be read", error.msg or "") from None
        except (RecursionError, MemoryError):
            raise self._too_long() from None
        operations = (ast.BinOp, ast.UnaryOp, ast.Call)
        if sum(isinstance(node, operations) for node in ast.walk(parsed)) > _MOST:
            raise self._too_long()
        return parsed

    def _too_long(self) -> ValueError:
        return ValueError(
            message(
                "explain: the formula is too long.",
                got=f"{self.text[:40]} …",
                want=f"at most {_MOST} operations",
                fix="write it as a program: retrograd explain SCRIPT --cost NAME",
            )
        )

    def _error(self, what: str, got: str, fix: str | None = None) -> ValueError:
        first = f"explain: the formula {self.text!r} {what}."
        return ValueError(message(first, got=got or None, fix=fix))

    def _tensor(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=bool()):
                pass
            case ast.Constant(value=int() | float() as value):
                return constant(float(value), dtypes.float64)
            case ast.Name(id=name):
                return self._variable(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return F.Neg(self._tensor(operand))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._tensor(operand)
            case ast.BinOp(left=left, op=ast.MatMult(), right=right):
                return F.MatMul(self._tensor(left), self._tensor(right))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return self._binary(left, op, right)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments)
            case ast.Subscript(value=value, slice=index):
                return self._tensor(value)[self._index(index)]
        raise self._error(
            "has a part that is no arithmetic", ast.unparse(node), "+ - * / ** @ [ ]"
        )

    def _variable(self, name: str) -> Tensor:
        found = self.variables.get(name)
        if found is None:
            raise self._error(
                f"needs a value for {name}",
                f"values for {', '.join(self.variables) or 'nothing'}",
                f"add {name}=NUMBER",
            )
        return found

    def _binary(self, left: ast.expr, op: ast.operator, right: ast.expr) -> Any:
        a = self._tensor(left)
        if isinstance(op, ast.Pow) and isinstance(right, ast.Constant):
            power = right.value
            if isinstance(power, int) and 2 <= power <= _LARGEST_PRODUCT:
                product = a
                for _ in range(power - 1):
                    product = F.Mul(product, a)
                return product
        return _OPERATORS[type(op)](a, self._tensor(right))

    def _call(self, name: str, arguments: list[ast.expr]) -> Any:
        function = FUNCTIONS.get(name)
        if function is None:
            known = ", ".join(sorted(FUNCTIONS))
            raise self._error(f"calls {name}, which is not known", "", known)
        tensors = [self._tensor(argument) for argument in arguments]
        try:
            return function(*tensors)
        except TypeError as error:
            raise self._error(f"calls {name} wrongly", str(error)) from None

    def _index(self, node: ast.expr) -> Any:
        try:
            return ast.literal_eval(node)
        except ValueError:
            raise self._error(
                "has an index that is no number", ast.unparse(node)
            ) from None
