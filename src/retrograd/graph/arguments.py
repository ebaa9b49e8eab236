"""The arguments of one application of an op, as its signature wants them.

Inputs become tensors, and what they do not say about the attributes is taken from the
caller or from the defaults.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.errors import InvalidArgumentError, at_once
from retrograd.graph import opdef
from retrograd.graph.attributes import normalize
from retrograd.graph.convert import (
    convert_n_to_tensor,
    convert_to_tensor,
    internal_convert_to_tensor,
)
from retrograd.graph.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


class Arguments:
    """The inputs and attributes of one application, converted and checked."""

    def __init__(
        self,
        op_def: opdef.OpDef,
        attrs: dict[str, Any],
        eager: bool,
        name: str | None = None,
    ) -> None:
        self.name = name
        #: of an op that is run at once: the first input of a dtype that does not fit
        self.wrong: InvalidArgumentError | None = None
        self.op_def = op_def
        self.given = attrs
        self.attrs: dict[str, Any] = {}
        self.inputs: list[Tensor] = []
        self.input_name: dict[str, str] = {}
        self.eager = eager

    def convert(self, args: Sequence[Any]) -> None:
        """Convert all inputs, and infer the attributes that they determine."""
        op_def = self.op_def
        if len(args) < len(op_def.inputs):
            missing = op_def.inputs[len(args)].name
            raise TypeError(f"No argument for input {missing}")
        for name in op_def.inferred:
            if name in self.given and op_def.attrs[name].kind == "type":
                if self.given[name] is not None:
                    self.attrs[name] = dtypes.as_dtype(self.given[name])
        if self.eager:
            self._match_eager(args)
        for arg, value in zip(op_def.inputs, args, strict=True):
            if arg.is_list:
                self._convert_list(arg, value)
            elif self.eager:
                self._convert_at_once(arg, value)
            else:
                self._convert_one(arg, value)

    def _match_eager(self, args: Sequence[Any]) -> None:
        """Run at once, a tensor decides the dtype of the numbers beside it."""
        for arg, value in zip(self.op_def.inputs, args, strict=True):
            if arg.type_attr and arg.type_attr not in self.attrs:
                for item in value if arg.is_list else (value,):
                    if isinstance(item, Tensor):
                        self.attrs[arg.type_attr] = item.dtype.base_dtype
                        break

    def _wanted(self, arg: opdef.ArgDef) -> tuple[Any, Any]:
        """The dtype an input must have, and the one it gets if it can."""
        if arg.type is not None:
            return arg.type, None
        if arg.type_attr in self.attrs:
            return self.attrs[arg.type_attr], None
        attr = self.op_def.attrs.get(arg.type_attr)
        return None, attr.default if attr is not None and attr.has_default else None

    def _convert_one(self, arg: opdef.ArgDef, value: TensorLike) -> None:
        if type(value) is Tensor and not arg.is_ref:
            tensor = value
            wanted = arg.type or self.attrs.get(arg.type_attr)
            if wanted is not None and wanted is not tensor.dtype.base_dtype:
                raise TypeError(self._mismatch(arg, tensor.dtype.base_dtype))
        else:
            tensor = self._converted(arg, value)
        self.inputs.append(tensor)
        if arg.type_attr and arg.type_attr not in self.attrs:
            self._infer_type(arg, tensor.dtype.base_dtype)

    def _convert_at_once(self, arg: opdef.ArgDef, value: TensorLike) -> None:
        wanted, preferred = self._wanted(arg)
        tensor = self._at_once(arg, value, wanted, preferred, len(self.inputs))
        self.inputs.append(tensor)
        if arg.type_attr and arg.type_attr not in self.attrs:
            self._infer_type(arg, tensor.dtype.base_dtype)

    def _at_once(
        self,
        arg: opdef.ArgDef,
        value: TensorLike,
        wanted: dtypes.DType | None,
        preferred: dtypes.DType | None,
        place: int,
    ) -> Tensor:
        """An input of an op that is run at once; a tensor is taken as it is.

        The op is refused by its kernels, not by its signature; then a tensor of another
        dtype is `wrong`.

        Raises:
          TypeError: what is no tensor cannot have the dtype that is wanted.
        """
        try:
            given = isinstance(value, Tensor)
            tensor = convert_to_tensor(
                value, None if given else wanted, arg.name, preferred
            )
        except (TypeError, ValueError):
            if wanted is None or not hasattr(value, "dtype"):
                raise
            tensor = convert_to_tensor(value, name=arg.name)
        found = tensor.dtype.base_dtype
        if wanted is not None and wanted.base_dtype is not found:
            self._note_wrong(place, wanted.base_dtype, found)
        return tensor

    def _note_wrong(
        self, place: int, wanted: dtypes.DType, found: dtypes.DType
    ) -> None:
        self.wrong = self.wrong or InvalidArgumentError(
            None,
            None,
            f"cannot compute {self.op_def.name} as input #{place}(zero-based) was "
            f"expected to be a {opdef.type_word(wanted)} tensor but is a "
            f"{opdef.type_word(found)} tensor{at_once(self.op_def.name, self.name)}",
        )

    def _converted(self, arg: opdef.ArgDef, value: TensorLike) -> Tensor:
        wanted, preferred = self._wanted(arg)
        try:
            if arg.is_ref:
                tensor = internal_convert_to_tensor(
                    value, wanted, arg.name, True, preferred
                )
            else:
                tensor = convert_to_tensor(value, wanted, arg.name, preferred)
        except TypeError as error:
            if wanted is None:
                raise
            raise TypeError(
                f"Expected {wanted.name} passed to parameter '{arg.name}' of op "
                f"'{self.op_def.name}', got {value!r} of type "
                f"'{type(value).__name__}' instead. Error: {error}"
            ) from None
        except ValueError:
            try:
                found = internal_convert_to_tensor(value, as_ref=arg.is_ref).dtype
            except ValueError as error:
                raise ValueError(
                    f"Tried to convert '{arg.name}' to a tensor and failed. Error: "
                    f"{error}"
                ) from None
            raise TypeError(self._mismatch(arg, found)) from None
        if arg.is_ref and not tensor.dtype._is_ref_dtype and not self.eager:
            raise TypeError(
                f"'{self.op_def.name}' Op requires that input '{arg.name}' be a "
                "mutable tensor (e.g.: a tf.Variable)"
            )
        return tensor

    def _mismatch(self, arg: opdef.ArgDef, found: dtypes.DType) -> str:
        prefix = (
            f"Input '{arg.name}' of '{self.op_def.name}' Op has type {found.name} that "
            "does not match"
        )
        if arg.type is not None:
            return f"{prefix} expected type of {arg.type.name}."
        other = self.input_name.get(arg.type_attr)
        wanted = self.attrs[arg.type_attr].name
        if other is None:
            return f"{prefix} expected type of {wanted}."
        return f"{prefix} type {wanted} of argument '{other}'."

    def _infer_type(self, arg: opdef.ArgDef, dtype: dtypes.DType) -> None:
        attr = self.op_def.attrs[arg.type_attr]
        if attr.allowed is not None and dtype not in attr.allowed and not self.eager:
            raise _not_allowed(arg.name, dtype, attr.allowed)
        self.attrs[arg.type_attr] = dtype
        self.input_name[arg.type_attr] = arg.name

    def _convert_list(self, arg: opdef.ArgDef, values: Sequence[Any]) -> None:
        op_type = self.op_def.name
        if not isinstance(values, (list, tuple)):
            raise TypeError(
                f"Expected list for '{arg.name}' argument to '{op_type}' Op, not "
                f"{values}."
            )
        wanted, preferred = (None, None) if arg.type_list_attr else self._wanted(arg)
        if arg.number_attr and wanted is None:
            wanted = next((v.dtype for v in values if isinstance(v, Tensor)), None)
            wanted = wanted and wanted.base_dtype
        tensors = self._converted_list(arg, values, wanted, preferred)
        self.inputs.extend(tensors)
        if arg.number_attr:
            self._infer_number(arg, len(tensors))
            if arg.type_attr and arg.type_attr not in self.attrs and tensors:
                self._infer_type(arg, tensors[0].dtype.base_dtype)
            elif arg.type_attr and arg.type_attr not in self.attrs:
                if preferred is None:
                    raise TypeError(
                        "Don't know how to infer type variable from empty input list "
                        f"passed to input '{arg.name}' of '{op_type}' Op."
                    )
                self._infer_type(arg, preferred)
        else:
            self._infer_list(arg, [t.dtype.base_dtype for t in tensors])

    def _converted_list(
        self,
        arg: opdef.ArgDef,
        values: Sequence[Any],
        wanted: dtypes.DType | None,
        preferred: dtypes.DType | None,
    ) -> list[Tensor]:
        if self.eager and not arg.type_list_attr:
            return self._list_at_once(arg, values, wanted, preferred)
        try:
            tensors = convert_n_to_tensor(
                values, wanted, arg.name, preferred, as_ref=arg.is_ref
            )
            if arg.number_attr and len({t.dtype.base_dtype for t in tensors}) > 1:
                raise TypeError
        except (TypeError, ValueError) as error:
            raise TypeError(self._list_mismatch(arg, values, wanted)) from error
        return tensors

    def _list_at_once(
        self,
        arg: opdef.ArgDef,
        values: Sequence[Any],
        wanted: dtypes.DType | None,
        preferred: dtypes.DType | None,
    ) -> list[Tensor]:
        tensors: list[Tensor] = []
        for place, value in enumerate(values, len(self.inputs)):
            tensor = self._at_once(arg, value, wanted, preferred, place)
            wanted = wanted or tensor.dtype.base_dtype
            tensors.append(tensor)
        return tensors

    def _list_mismatch(
        self, arg: opdef.ArgDef, values: Sequence[Any], wanted: dtypes.DType | None
    ) -> str:
        found = []
        for value in values:
            try:
                found.append(convert_to_tensor(value).dtype.base_dtype.name)
            except (TypeError, ValueError):
                found.append("<NOT CONVERTIBLE TO TENSOR>")
        prefix = (
            f"Tensors in list passed to '{arg.name}' of '{self.op_def.name}' Op have "
            f"types [{', '.join(found)}]"
        )
        if not arg.number_attr:
            return f"{prefix} that are invalid. Tensors: {values}"
        if wanted is None:
            return f"{prefix} that don't all match."
        if arg.type is not None:
            return f"{prefix} that do not match expected type {wanted.name}."
        if arg.type_attr in self.input_name:
            return (
                f"{prefix} that do not match type {wanted.name} inferred from earlier "
                "arguments."
            )
        return f"{prefix} that don't all match."

    def _infer_number(self, arg: opdef.ArgDef, count: int) -> None:
        known = self.attrs.get(arg.number_attr)
        if known is not None and known != count:
            raise ValueError(
                f"List argument '{arg.name}' to '{self.op_def.name}' Op with length "
                f"{count} must match length {known} of argument "
                f"'{self.input_name[arg.number_attr]}'."
            )
        minimum = self.op_def.attrs[arg.number_attr].minimum
        if minimum is not None and count < minimum:
            raise ValueError(
                f"List argument '{arg.name}' to '{self.op_def.name}' Op with length "
                f"{count} shorter than minimum length {minimum}."
            )
        self.attrs[arg.number_attr] = count
        self.input_name[arg.number_attr] = arg.name

    def _infer_list(self, arg: opdef.ArgDef, found: list[dtypes.DType]) -> None:
        attr = self.op_def.attrs[arg.type_list_attr]
        if attr.minimum is not None and len(found) < attr.minimum:
            raise ValueError(
                f"List argument '{arg.name}' to '{self.op_def.name}' Op with length "
                f"{len(found)} shorter than minimum length {attr.minimum}."
            )
        known = self.attrs.get(arg.type_list_attr)
        if known is not None and known != found:
            mine, other = (", ".join(t.name for t in ts) for ts in (found, known))
            raise TypeError(
                f"Input '{arg.name}' of '{self.op_def.name}' Op has type list of {mine}"
                f" that does not match type list {other} of argument "
                f"'{self.input_name[arg.type_list_attr]}'."
            )
        self.attrs[arg.type_list_attr] = found
        self.input_name[arg.type_list_attr] = arg.name

    def complete(self) -> dict[str, Any]:
        """All attributes: inferred, given, and by default; checked."""
        attrs, given = self.attrs, self.given
        for name, attr in self.op_def.attrs.items():
            if name in attrs:
                if attr.allowed is not None and not self.eager:  # kernels know then
                    self._check_allowed(attr, attrs[name])
            elif name in given and (given[name] is not None or not attr.has_default):
                attrs[name] = normalize(attr, given[name], self.op_def.name)
            elif attr.has_default:
                attrs[name] = attr.default
            else:
                raise TypeError(f"No argument for attr {name}")
        for name, value in given.items():
            if name not in self.op_def.attrs:
                if not name.startswith("_"):
                    raise TypeError(
                        f"apply_op() got unexpected keyword arguments: {name}"
                    )
                attrs[name] = value
        return attrs

    def _check_allowed(self, attr: opdef.AttrDef, value: Any) -> None:
        allowed = attr.allowed or ()
        for dtype in value if isinstance(value, list) else (value,):
            if dtype not in allowed:
                where = self.input_name.get(attr.name, attr.name)
                raise _not_allowed(where, dtype, allowed)


def _not_allowed(
    where: str, dtype: dtypes.DType, allowed: Sequence[dtypes.DType]
) -> TypeError:
    return TypeError(
        f"Value passed to parameter '{where}' has DataType {dtype.name} not in list of "
        f"allowed values: {', '.join(t.name for t in allowed)}"
    )
