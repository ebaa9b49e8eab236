"""What a Saver saves: variables, slices of them, and objects with tensors of theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import nest
from retrograd.graph import context
from retrograd.graph.convert import internal_convert_to_tensor
from retrograd.graph.defaults import device
from retrograd.graph.device import DeviceSpecV1
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.identity import identity
from retrograd.ops.array.shape import reshape
from retrograd.ops.declare import F, kind_of
from retrograd.ops.traits import Kind
from retrograd.util.identity import ObjectIdentitySet
from retrograd.util.tracking import Trackable
from retrograd.variables.partition import PartitionedVariable
from retrograd.variables.resource import BaseResourceVariable
from retrograd.variables.updates import assign
from retrograd.variables.variable import Variable

if TYPE_CHECKING:
    from retrograd.typing import (
        DTypeLike,
        DynamicShape,
        Structure,
        TensorLike,
        VariableLike,
    )

#: the attribute by which a checkpoint of objects knows a variable's value
VARIABLE_VALUE_KEY = "VARIABLE_VALUE"


def set_cpu0(device_string: str) -> str:
    """The CPU of the machine that a device belongs to."""
    spec = DeviceSpecV1.from_string(device_string)
    return spec.replace(device_type="CPU", device_index=0).to_string()


class SaveSpec:
    """A tensor to be saved, and its name in the checkpoint.

    Args:
      tensor: the tensor, or a function that makes it.
      slice_spec: the slice of a larger tensor that it is, or nothing.
      name: the name.
      dtype: its dtype, to be given with a function.
      device: its device, to be given with a function.
    """

    def __init__(
        self,
        tensor: TensorLike | VariableLike | Callable[[], Tensor],
        slice_spec: str,
        name: str,
        dtype: DTypeLike | None = None,
        device: str | None = None,
    ) -> None:
        self._tensor: Any = tensor
        self.slice_spec = slice_spec
        self.name = name
        if callable(tensor):
            if dtype is None or device is None:
                raise AssertionError(
                    "When passing a callable `tensor` to a SaveSpec, an explicit dtype "
                    "and device must be provided."
                )
            self.dtype: Any = dtype
            self.device: Any = device
        else:
            self.dtype = self._tensor.dtype
            self.device = self._tensor.device if device is None else device

    @property
    def tensor(self) -> Any:
        """The tensor; what a function makes is made anew."""
        return self._tensor() if callable(self._tensor) else self._tensor


class SaveableObject:
    """Something with one or more tensors that are saved and restored together.

    Args:
      op: what produces it, or stands for it.
      specs: a SaveSpec for each tensor.
      name: its name in the checkpoint.
    """

    def __init__(self, op: object, specs: Sequence[SaveSpec], name: str) -> None:
        self.op: Any = op
        self.specs = specs
        self.name = name
        self._device: str | None = None

    @property
    def optional_restore(self) -> bool:
        """Whether it may be missing from a checkpoint."""
        return False

    @property
    def device(self) -> Any:
        """Where its tensors are."""
        return self.specs[0].device

    def restore(
        self,
        restored_tensors: Sequence[Tensor],
        restored_shapes: Sequence[DynamicShape] | None,
    ) -> Any:
        """An operation that gives it the values of a checkpoint.

        Args:
          restored_tensors: the values.
          restored_shapes: the shapes they are to have, or None for theirs.
        """
        raise NotImplementedError("Calling an abstract method.")


class ReferenceVariableSaveable(SaveableObject):
    """A variable that hands out references."""

    def __init__(self, var: VariableLike | Tensor, slice_spec: str, name: str) -> None:
        spec = SaveSpec(var, slice_spec, name, dtype=var.dtype)
        super().__init__(var, [spec], name)

    def restore(
        self,
        restored_tensors: Sequence[Tensor],
        restored_shapes: Sequence[DynamicShape] | None,
    ) -> Any:
        """Assign the value."""
        tensor = restored_tensors[0]
        if restored_shapes is not None:
            tensor = reshape(tensor, restored_shapes[0])
        validate = restored_shapes is None and self.op.get_shape().is_fully_defined()
        return assign(self.op, tensor, validate_shape=validate)


class ResourceVariableSaveable(SaveableObject):
    """A variable behind a handle, or the tensor of its value in a graph."""

    def __init__(self, var: VariableLike | Tensor, slice_spec: str, name: str) -> None:
        self._var_device = var.device
        self._var_shape = var.shape
        if isinstance(var, Tensor):
            self.handle_op = var.op.inputs[0]
            source: Any = var
        elif isinstance(var, BaseResourceVariable):
            self.handle_op = var.handle

            def read() -> Tensor:
                with device(var.device):
                    value = var.read_value()
                with device(set_cpu0(var.device)):
                    return identity(value)

            source = read
        else:
            raise ValueError(
                "Saveable is neither a resource variable nor a read operation. Got: "
                f"{var!r}"
            )
        spec = SaveSpec(source, slice_spec, name, dtype=var.dtype, device=var.device)
        super().__init__(var, [spec], name)

    def restore(
        self,
        restored_tensors: Sequence[Tensor],
        restored_shapes: Sequence[DynamicShape] | None,
    ) -> Any:
        """Assign the value, on the variable's device."""
        tensor = restored_tensors[0]
        if restored_shapes is not None:
            tensor = reshape(tensor, restored_shapes[0])
        with device(self._var_device):
            tensor = identity(tensor)
            self._var_shape.assert_is_compatible_with(tensor.shape)
            return F.AssignVariableOp(self.handle_op, tensor)


# ---------------------------------------------------------------------- naming


def _element(value: object) -> Tensor:
    """The tensor by which a graph knows a variable."""
    if isinstance(value, BaseResourceVariable):
        return value._graph_element
    known: Any = value
    return internal_convert_to_tensor(known, as_ref=True)


def _comes_from_variable(tensor: Tensor) -> bool:
    return kind_of(tensor.op.type) in (Kind.VARIABLE, Kind.READ)


def op_list_to_dict(
    op_list: Structure, convert_variable_to_tensor: bool = True
) -> dict[str, Any]:
    """Variables by the names that a checkpoint has for them.

    Args:
      op_list: variables, lists of slices, SaveableObjects and objects with variables.
      convert_variable_to_tensor: whether a resource variable is known by its tensor.

    Raises:
      TypeError: it is no list, or something in it no variable.
      ValueError: two have the same name.
    """
    if not isinstance(op_list, list | tuple | set):
        raise TypeError(
            f"Variables to save should be passed in a dict or a list: {op_list}"
        )
    found: dict[str, Any] = {}
    for var in nest.flatten(sorted(op_list, key=lambda x: x.name)):
        if isinstance(var, SaveableObject):
            found[var.name] = var
        elif isinstance(var, PartitionedVariable):
            _add_new(found, var.name, var)
        elif isinstance(var, Variable) and var._save_slice_info:
            name = var._save_slice_info.full_name
            slices = found.setdefault(name, [])
            if not isinstance(slices, list):
                raise ValueError(
                    f"Mixing slices and non-slices with the same name: {name}"
                )
            slices.append(var)
        elif isinstance(var, Trackable) and not isinstance(var, Variable):
            parts = [
                factory() if callable(factory) else factory
                for factory in gather_saveables(var).values()
            ]
            found.update(op_list_to_dict(parts))
        else:
            _add_variable(found, var, convert_variable_to_tensor)
    return found


def gather_saveables(value: object) -> dict[str, Any]:
    """What an object has to be saved, or functions that make it, by attributes."""
    gather = getattr(value, "_gather_saveables_for_checkpoint", None)
    return {} if gather is None else gather()


def _add_new(found: dict[str, Any], name: str, value: object) -> None:
    if name in found:
        raise ValueError(f"At least two variables have the same name: {name}")
    found[name] = value


def _add_variable(found: dict[str, Any], var: VariableLike, convert: bool) -> None:
    if context.executing_eagerly():
        if not isinstance(var, BaseResourceVariable):
            raise ValueError(
                "Can only save/restore ResourceVariables when eager execution is "
                f"enabled, type: {type(var)}."
            )
        if found.setdefault(var._shared_name, var) is not var:
            raise ValueError(
                "Two different ResourceVariable objects with the same shared_name "
                f"'{var._shared_name}' were passed to the Saver. This likely means "
                "that they were created in different Graphs or isolation contexts, "
                "and may not be checkpointed together."
            )
        return
    element: Any = var
    if convert:
        element = _element(var)
        if not _comes_from_variable(element):
            raise TypeError(f"Variable to save is not a Variable: {element}")
    op = element.op
    if kind_of(op.type) is Kind.READ:
        op = op.inputs[0].op
    _add_new(found, op.name, var if not convert else element)


def saveable_objects_for_op(op: object, name: str) -> Iterator[SaveableObject]:
    """The SaveableObjects of a variable, list of slices or object.

    Raises:
      TypeError: the name is no text, or it is none of these.
      ValueError: a list holds what is no slice, or slices of several variables.
    """
    if not isinstance(name, str):
        raise TypeError(
            "names_to_saveables must be a dict mapping string names to trackable "
            f"operations. Name is not a string: {name}"
        )
    if isinstance(op, SaveableObject):
        yield op
    elif isinstance(op, list | tuple | PartitionedVariable):
        yield from _slices(list(op), name)
    elif isinstance(op, Trackable) and not isinstance(op, Variable):
        for attribute, factory in gather_saveables(op).items():
            full = name if attribute == VARIABLE_VALUE_KEY else f"{name}_{attribute}"
            part: Any = factory(full) if callable(factory) else factory
            yield from saveable_objects_for_op(part, part.name)
    elif context.executing_eagerly():
        if not isinstance(op, BaseResourceVariable):
            raise ValueError(
                "Can only save/restore ResourceVariable eager mode is enabled, type: "
                f"{type(op)}."
            )
        yield ResourceVariableSaveable(op, "", name)
    else:
        variable = _element(op)
        if not _comes_from_variable(variable):
            raise TypeError(
                "names_to_saveables must be a dict mapping string names to "
                f"Tensors/Variables. Not a variable: {variable}"
            )
        yield _saveable(variable, "", name)


def _saveable(variable: VariableLike | Tensor, spec: str, name: str) -> SaveableObject:
    if variable.dtype._is_ref_dtype:
        return ReferenceVariableSaveable(variable, spec, name)
    return ResourceVariableSaveable(variable, spec, name)


def _slices(parts: list[Any], name: str) -> Iterator[SaveableObject]:
    whole = None
    for part in parts:
        if not isinstance(part, Variable):
            raise ValueError(f"Slices must all be Variables: {part}")
        info = part._save_slice_info
        if not info:
            raise ValueError(f"Slices must all be slices: {part}")
        if whole is None:
            whole = info.full_name
        elif whole != info.full_name:
            raise ValueError(
                f"Slices must all be from the same tensor: {whole} != {info.full_name}"
            )
        yield _saveable(part, info.spec, name)


def validate_and_slice_inputs(
    names_to_saveables: Structure,
) -> list[SaveableObject]:
    """The SaveableObjects of a dictionary or list, sorted by name.

    Raises:
      TypeError, ValueError: as `op_list_to_dict` and `saveable_objects_for_op`; or one
        would have two names.
    """
    named = names_to_saveables
    if not isinstance(named, dict):
        named = op_list_to_dict(named)
    saveables: list[SaveableObject] = []
    seen = ObjectIdentitySet()
    for name, op in sorted(named.items(), key=lambda item: item[0]):
        for saveable in saveable_objects_for_op(op, name):
            if saveable.op in seen:
                raise ValueError(
                    "The same saveable will be restored with two names: "
                    f"{saveable.name}"
                )
            saveables.append(saveable)
            seen.add(saveable.op)
    return saveables
