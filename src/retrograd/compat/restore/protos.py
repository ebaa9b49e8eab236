"""Modules that protobuf's compiler wrote before 2022, made with today's protobuf.

They build their descriptors one by one, which today's protobuf refuses. But the whole
description of the file stands in them too, as bytes: from these the module is made as
today's compiler would write it. Its imports stay, and what stands in it beside
descriptors.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from types import CodeType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto


_BUILD = "_build_from_description"


def compiled(source: bytes, path: str) -> CodeType | None:
    """The code of such a module; None if the source is another's."""
    if b"FileDescriptor(" not in source or b"serialized_pb" not in source:
        return None
    try:
        tree = ast.parse(source, path)
    except SyntaxError:
        return None
    described = False
    body: list[ast.stmt] = []
    for statement in tree.body:
        serialized = _description(statement)
        if serialized is not None:
            described = True
            body += _building(serialized, statement)
        elif _stays(statement):
            body.append(statement)
    if not described:
        return None
    return compile(ast.Module(body, []), path, "exec", dont_inherit=True)


def _description(statement: ast.stmt) -> ast.expr | None:
    """The bytes in `DESCRIPTOR = ….FileDescriptor(…, serialized_pb=…)`."""
    if not isinstance(statement, ast.Assign) or not isinstance(
        statement.value, ast.Call
    ):
        return None
    function = statement.value.func
    name = function.attr if isinstance(function, ast.Attribute) else ""
    if name != "FileDescriptor":
        return None
    keywords = {k.arg: k.value for k in statement.value.keywords}
    return keywords.get("serialized_pb")


def _building(serialized: ast.expr, place: ast.stmt) -> list[ast.stmt]:
    """Statements that make a module's contents of a description."""
    text = (
        f"from {__name__} import build as {_BUILD}\n{_BUILD}(None, globals())\n"
        f"del {_BUILD}\n"
    )
    made = ast.parse(text).body
    for statement in made:
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == _BUILD:
                node.args[0] = serialized
            ast.copy_location(node, place)
    return made


def _stays(statement: ast.stmt) -> bool:
    """Whether a statement has to do with other things than descriptors."""
    if isinstance(statement, ast.ImportFrom):
        of_protobuf = (statement.module or "").startswith("google.protobuf")
        names = [alias.name for alias in statement.names]
        return not of_protobuf or all(n.endswith("_pb2") or n == "*" for n in names)
    if isinstance(statement, ast.Import):
        return all(
            not a.name.startswith("google.protobuf") or a.name.endswith("_pb2")
            for a in statement.names
        )
    if isinstance(statement, ast.Assign):  # what turns a string into bytes
        return [getattr(t, "id", "") for t in statement.targets] == ["_b"]
    return isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.Try | ast.If)


def build(serialized: bytes, module: dict[str, Any]) -> None:
    """Put into a module what a file's description describes.

    Args:
      serialized: a FileDescriptorProto.
      module: the module's names.

    Raises:
      TypeError: the file depends on another that is not loaded.
    """
    from google.protobuf import descriptor_pb2, descriptor_pool
    from google.protobuf.internal import builder

    file = descriptor_pb2.FileDescriptorProto.FromString(serialized)
    if any(name.startswith("tensorflow/") for name in file.dependency):
        _depend_on_ours(file)
        serialized = file.SerializeToString()
    descriptor = descriptor_pool.Default().AddSerializedFile(serialized)
    module["DESCRIPTOR"] = descriptor
    builder.BuildMessageAndEnumDescriptors(descriptor, module)
    builder.BuildTopDescriptorsAndMessages(descriptor, module["__name__"], module)
    if file.options.py_generic_services:
        names: Any = module
        builder.BuildServices(descriptor, module["__name__"], names)


def _depend_on_ours(file: FileDescriptorProto) -> None:
    """Let a description use our copies of TensorFlow's messages."""
    names: dict[str, str] = {}
    dependencies: list[str] = []
    for dependency in file.dependency:
        ours = list(_our_files(dependency))
        dependencies += [f.name for f in ours] or [dependency]
        for found in ours:
            for kind in (found.message_types_by_name, found.enum_types_by_name):
                for name, descriptor in kind.items():
                    names[f".tensorflow.{name}"] = f".{descriptor.full_name}"
    file.dependency[:] = dict.fromkeys(dependencies)
    for description, attribute in _references(file):
        named = getattr(description, attribute)
        outer = named
        while outer and outer not in names:
            outer = outer.rpartition(".")[0]
        if outer:
            setattr(description, attribute, names[outer] + named[len(outer) :])


def _our_files(dependency: str) -> Iterator[Any]:
    """The descriptors of files that hold the messages of one of TensorFlow's files."""
    from retrograd.compat import table

    path = dependency.removeprefix("tensorflow/").removesuffix(".proto")
    for source in table.names().sources.get(f"{path.replace('/', '.')}_pb2", ()):
        module = importlib.import_module(source)
        yield module.DESCRIPTOR


def _references(file: FileDescriptorProto) -> Iterator[tuple[Any, str]]:
    """Where a file's description names a message or an enum."""
    for field in _fields(file):
        yield field, "type_name"
        yield field, "extendee"
    for service in file.service:
        for method in service.method:
            yield method, "input_type"
            yield method, "output_type"


def _fields(message: Any) -> Iterator[Any]:
    """The fields and extensions that a file or a message describes, at any depth."""
    yield from getattr(message, "field", ())
    yield from message.extension
    for kind in ("message_type", "nested_type"):
        for inner in getattr(message, kind, ()):
            yield from _fields(inner)
