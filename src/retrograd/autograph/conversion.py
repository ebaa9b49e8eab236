"""Functions made anew from their source, with operators for control flow."""

from __future__ import annotations

import ast
import copy
import functools
from types import CellType, CodeType, FunctionType, SimpleNamespace
from typing import Any

from retrograd.autograph import list_syntax, nodes, source, statements, symbols
from retrograd.autograph.lists import stack
from retrograd.autograph.options import ConversionOptions, Feature
from retrograd.graph.hooks import hooks
from retrograd.ops.array.join import stack as stack_of_python
from retrograd.util.syntax_trees import parameters

#: what converted code calls, as `ag__`; filled when the operators are imported
OPERATORS = SimpleNamespace()
#: the code of converted functions, by the code of the functions and the options
_converted: dict[tuple[CodeType, str, Any], CodeType] = {}
#: functions that make one tensor of a list
STACKS = (stack, stack_of_python)
#: variables that the code finds in its closure, beside those of the function
_GIVEN = ("ag__", "options__")
#: an attribute of converted functions: the function that one was made of
ORIGIN = "ag_original__"


class CannotConvert(ValueError):
    """A function is of a kind that is not converted."""


def convert(function: FunctionType, options: ConversionOptions) -> FunctionType:
    """A function that does what another does, and makes operations for control flow.

    It shares globals, closure and defaults with the other one.

    Raises:
      CannotConvert: it is a generator or a coroutine.
      NoSource: its source is not known.
    """
    # equal code of two files is one key, but errors name the file
    own = function.__code__
    key = own, own.co_filename, options.as_tuple()
    code = _converted.get(key)
    if code is None:
        code = _converted[key] = _compiled(function, options)
    return _instance(code, function, options)


def _instance(
    code: CodeType, function: FunctionType, options: ConversionOptions
) -> FunctionType:
    cells = dict(
        zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    )
    cells["ag__"] = CellType(OPERATORS)
    cells["options__"] = CellType(options)
    closure = tuple(cells[name] for name in code.co_freevars)
    made = FunctionType(
        code, function.__globals__, function.__name__, function.__defaults__, closure
    )
    made.__kwdefaults__ = function.__kwdefaults__
    made.__dict__.update(function.__dict__)
    made.__name__ = _name_of(function.__name__)
    made.__qualname__ = function.__qualname__
    made.__module__ = function.__module__
    made.__doc__ = function.__doc__
    setattr(made, ORIGIN, function)
    return made


def _name_of(name: str) -> str:
    return "tf__lambda" if name == "<lambda>" else "tf__" + name


def tree_of(function: FunctionType, options: ConversionOptions) -> ast.FunctionDef:
    """The definition of the converted function.

    Raises:
      CannotConvert, NoSource: as `convert`.
    """
    found = source.definition_of(function)
    if isinstance(found, ast.AsyncFunctionDef) or statements.is_generator(found):
        raise CannotConvert("generators are not converted")
    node = copy.deepcopy(found)
    if isinstance(node, ast.Lambda):
        body: list[ast.stmt] = [ast.copy_location(ast.Return(node.body), node.body)]
        whole = nodes.function("lambda_", node.args, body)
        ast.copy_location(whole, node)
    else:
        whole = node
    _without_values(whole)
    _Mangled(function.__qualname__).visit(whole)
    names = symbols.Names({*symbols.names(whole), *_GIVEN})
    if options.uses(Feature.LISTS):
        local = {*symbols.assigned(whole.body), *parameters(whole.args)}
        meaning = functools.partial(_meaning, function, local)
        list_syntax.with_lists(whole, names, meaning, STACKS)
    statements.converted_body(whole, options, names)
    whole.name = _name_of(function.__name__)
    return whole


def _meaning(function: FunctionType, local: set[str], node: ast.expr) -> object:
    """What a dotted name means in a function; None where that is not known yet."""
    path = ast.unparse(node).split(".")
    if not all(part.isidentifier() for part in path) or path[0] in local:
        return None
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    try:
        variables = {**function.__globals__, **{n: c.cell_contents for n, c in cells}}
        return functools.reduce(getattr, path[1:], variables[path[0]])
    except (AttributeError, KeyError, ValueError):
        return None


def _without_values(node: ast.FunctionDef) -> None:
    """Take away what was computed when the function was defined."""
    node.decorator_list, node.returns = [], None
    node.args.defaults = []
    node.args.kw_defaults = [None] * len(node.args.kwonlyargs)
    for arg in ast.walk(node.args):
        if isinstance(arg, ast.arg):
            arg.annotation = None


class _Mangled(ast.NodeTransformer):
    """Writes private names (`self.__x`) out, as the function leaves its class."""

    def __init__(self, qualified_name: str) -> None:
        within = qualified_name.split(".")[-2:-1]
        self.prefix = "_" + within[0].lstrip("_") if within else "_"

    def _whole(self, name: str) -> str:
        private = name.startswith("__") and not name.endswith("__")
        known = self.prefix not in ("_", "_<locals>")
        return self.prefix + name if private and known else name

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self._whole(node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        node.attr = self._whole(node.attr)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return node


def _compiled(function: FunctionType, options: ConversionOptions) -> CodeType:
    node = tree_of(function, options)
    given = [*_GIVEN, *function.__code__.co_freevars]
    args = ast.arguments([], [ast.arg(n) for n in given], None, [], [], None, [])
    outer = nodes.function("outer", args, [node])
    module = ast.Module([ast.copy_location(outer, node)], [])
    ast.fix_missing_locations(module)
    path = function.__code__.co_filename
    module = hooks.program_tree(module, path, function.__module__ or "")
    code = compile(module, path, "exec", dont_inherit=True)
    found = _named(_code_in(_code_in(code)), function.__code__)
    _remember(found)
    return found


#: all code of converted functions
_known: set[CodeType] = set()


def _remember(code: CodeType) -> None:
    _known.add(code)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            _remember(inner)


def is_converted(code: CodeType) -> bool:
    """Whether code belongs to a converted function."""
    return code in _known


def _code_in(code: CodeType) -> CodeType:
    """The code of the one function that other code defines."""
    return next(c for c in code.co_consts if isinstance(c, CodeType))


#: what functions that the conversion adds are called, without numbers
_ADDED = ("if_body", "else_body", "loop_body", "loop_test", "get_state", "set_state")


def _named(code: CodeType, original: CodeType) -> CodeType:
    """Code whose frames have the name of the function that it was made of."""
    inner = tuple(
        _renamed(c, original) if isinstance(c, CodeType) else c for c in code.co_consts
    )
    qualified = getattr(original, "co_qualname", original.co_name)
    return code.replace(
        co_name=original.co_name, co_qualname=qualified, co_consts=inner
    )


def _renamed(code: CodeType, original: CodeType) -> CodeType:
    if code.co_name.startswith(_ADDED) or code.co_name == "<lambda>":
        return _named(code, original)
    return _named(code, code)


def text_of(function: FunctionType, options: ConversionOptions) -> str:
    """The source of the converted function."""
    node = tree_of(function, options)
    node.args.defaults = source.definition_of(function).args.defaults
    return ast.unparse(ast.fix_missing_locations(node)) + "\n"


@functools.cache
def own_folder() -> str:
    """Where the code of this package lies."""
    return __file__.rpartition("autograph")[0]
