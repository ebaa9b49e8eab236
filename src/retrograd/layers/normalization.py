"""Batch normalization, and what normalizing layers have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from retrograd import shapes
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.name_scopes import name_scope
from retrograd.layers import phase
from retrograd.layers.backend_config import floatx
from retrograd.layers.configured import Elementwise
from retrograd.layers.input_spec import InputSpec
from retrograd.layers.sizes import rank_of
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import ones_like, zeros_like
from retrograd.ops.array.identity import identity, stop_gradient
from retrograd.ops.array.shape import reshape, shape, size
from retrograd.ops.declare import F
from retrograd.ops.flow.cases import smart_cond, smart_constant_value
from retrograd.ops.math.casts import cast
from retrograd.ops.nn.moments import batch_normalization, fused_batch_norm, moments
from retrograd.variables.options import VariableAggregation, VariableSynchronization
from retrograd.variables.updates import assign, assign_sub

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Named, Operand, ShapeLike, Training
    from retrograd.variables.variable import Variable

_HALF = ("float16", "bfloat16")


class Normalization(Elementwise):
    """A base: γ and β in float32 or more, and the axes of a layer."""

    gamma: Any
    beta: Any

    @property
    def _param_dtype(self) -> Any:
        """The dtype of the weights: float32 where that of the inputs is shorter."""
        return "float32" if self.dtype in _HALF else self.dtype or floatx()

    def _checked_axes(self, rank: int) -> list[int]:
        """The axes, counted from the first.

        Raises:
          ValueError: there is none of that number, or one is named twice.
        """
        axes = [self.axis] if isinstance(self.axis, int) else list(self.axis)
        axes = [rank + x if x < 0 else x for x in axes]
        for axis in axes:
            if axis < 0 or axis >= rank:
                raise ValueError(f"Invalid axis: {axis}")
        if len(axes) != len(set(axes)):
            raise ValueError(f"Duplicate axis: {self._shown(axes)}")
        return axes

    def _shown(self, axes: list[int]) -> Any:
        return axes

    def _parameter(self, name: str, sizes: list[Any]) -> Any:
        return self._weight(
            name,
            sizes,
            dtype=self._param_dtype,
            trainable=True,
            experimental_autocast=False,
        )


def spread(weight: Any, sizes: list[Any], is_last: bool) -> Any:
    """A weight in the rank of the inputs; as it is where it broadcasts so.

    Args:
      weight: the weight, or None.
      sizes: its sizes in that rank.
      is_last: whether it is of the last axis only.
    """
    if weight is None or is_last or weight.shape.ndims == len(sizes):
        return weight
    return reshape(weight, sizes)


class BatchNormalizationBase(Normalization):
    """γ (x − μ) / √(σ² + ε) + β, by channel (Ioffe and Szegedy 2015).

    In training, μ and σ² are those of the batch, and moving averages of them are kept;
    else they are the averages.

    Args:
      axis: the axis of channels, or several.
      momentum: how much of a moving average is kept each time.
      epsilon: ε.
      center: whether there is β.
      scale: whether there is γ.
      beta_initializer, gamma_initializer, moving_mean_initializer,
      moving_variance_initializer: the first values.
      beta_regularizer, gamma_regularizer: the losses of β and γ.
      beta_constraint, gamma_constraint: what they must satisfy.
      renorm: whether the averages are used in training too (Ioffe 2017).
      renorm_clipping: limits of the correction: `rmax`, `rmin`, `dmax`.
      renorm_momentum: of the averages that it uses.
      fused: whether one op does all; by default where it can.
      trainable: whether γ and β are trained.
      virtual_batch_size: the size of parts of a batch with moments of their own.
      adjustment: a function from the shape of the inputs to a scale and an offset.
      **kwargs: those of `Layer`.

    Raises:
      ValueError: axes that there are not, or options that exclude each other.
      TypeError: an axis that is no number.
    """

    _ARGUMENTS = tuple(
        "axis momentum epsilon center scale beta_initializer gamma_initializer "
        "moving_mean_initializer moving_variance_initializer beta_regularizer "
        "gamma_regularizer beta_constraint gamma_constraint".split()
    )
    _USE_V2_BEHAVIOR = True
    moving_mean: Any
    moving_variance: Any

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Named = "zeros",
        gamma_initializer: Named = "ones",
        moving_mean_initializer: Named = "zeros",
        moving_variance_initializer: Named = "ones",
        beta_regularizer: Named = None,
        gamma_regularizer: Named = None,
        beta_constraint: Named = None,
        gamma_constraint: Named = None,
        renorm: bool = False,
        renorm_clipping: Mapping[str, Any] | None = None,
        renorm_momentum: float = 0.99,
        fused: bool | None = None,
        trainable: bool = True,
        virtual_batch_size: int | None = None,
        adjustment: Callable[..., Any] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, trainable=trainable, **kwargs)
        if not isinstance(axis, (int, list)):
            raise TypeError(f"axis must be int or list, type given: {type(axis)}")
        self._keep(
            axis=list(axis) if isinstance(axis, list) else axis,
            momentum=momentum,
            epsilon=epsilon,
            center=center,
            scale=scale,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            moving_mean_initializer=moving_mean_initializer,
            moving_variance_initializer=moving_variance_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
        )
        self.renorm = renorm
        self.virtual_batch_size = virtual_batch_size
        self.adjustment = adjustment
        self.fused = self._chosen(fused)
        self._bessels_correction_test_only = True
        if renorm:
            limits = dict(renorm_clipping or {})
            keys = ["rmax", "rmin", "dmax"]
            if set(limits) - set(keys):
                raise ValueError(
                    f"renorm_clipping {limits} contains keys not in {keys}"
                )
            self.renorm_clipping = limits
            self.renorm_momentum = renorm_momentum

    # ------------------------------------------------------------------ fused or not

    def _chosen(self, fused: bool | None) -> bool | None:
        """Whether one op does all, as far as it is known before the rank is."""
        problem = self._why_not_fused()
        if not self._USE_V2_BEHAVIOR:
            return True if fused is None else fused
        if fused and problem:
            raise ValueError(problem)
        return False if fused is None and problem else fused

    def _why_not_fused(self) -> str:
        axes = [self.axis] if isinstance(self.axis, int) else self.axis
        if self.renorm:
            return "Passing both fused=True and renorm=True is unsupported"
        if len(axes) > 1 or axes[0] not in (-3, -1, 1, 3):
            return "Passing fused=True is only supported when axis is 1 or 3"
        text = "Passing fused=True is unsupported when {} is specified."
        if self.virtual_batch_size is not None:
            return text.format("virtual_batch_size")
        return text.format("adjustment") if self.adjustment is not None else ""

    def _choose_for(self, rank: int) -> None:
        if self.fused not in (None, True):
            return
        if not self._USE_V2_BEHAVIOR:
            self.fused = rank == 4 and not self._why_not_fused()
        elif self.fused is None:
            self.fused = rank == 4
        elif rank != 4:
            raise ValueError(
                "Batch normalization layers with fused=True only support 4D input "
                "tensors."
            )
        if self.fused:
            if self.axis not in ([1], [3]):
                raise ValueError(
                    "Unsupported axis, fused batch norm only supports axis == [1] or "
                    "axis == [3]"
                )
            self._data_format = "NCHW" if self.axis == [1] else "NHWC"

    # ------------------------------------------------------------------ weights

    def build(self, input_shape: ShapeLike) -> None:
        """Make γ, β and the moving averages, by channel."""
        given = shapes.TensorShape(input_shape)
        if not given.ndims:
            raise ValueError("Input has undefined rank:", given)
        self.axis = self._checked_axes(given.ndims)
        self._check_virtual()
        self._choose_for(given.ndims)
        sizes = {axis: given.as_list()[axis] for axis in self.axis}
        if None in sizes.values():
            raise ValueError(
                "Input has undefined `axis` dimension. Input shape: ", given
            )
        self.input_spec = InputSpec(ndim=given.ndims, axes=sizes)
        of_all = self._parameter_shape(given.ndims, sizes)
        self.gamma = self._parameter("gamma", of_all) if self.scale else None
        if not self.scale and self.fused:
            self._gamma_const = constant(1.0, self._param_dtype, of_all)
        self.beta = self._parameter("beta", of_all) if self.center else None
        if not self.center and self.fused:
            self._beta_const = constant(0.0, self._param_dtype, of_all)
        with self._without_partitioner():
            self._make_averages(of_all)
        self.built = True

    def _check_virtual(self) -> None:
        if self.virtual_batch_size is None:
            return
        if self.virtual_batch_size <= 0:
            raise ValueError(
                "virtual_batch_size must be a positive integer that divides the true "
                "batch size of the input Tensor"
            )
        if 0 in self.axis:
            raise ValueError(
                "When using virtual_batch_size, the batch dimension must be 0 and thus "
                "axis cannot include 0"
            )
        if self.adjustment is not None:
            raise ValueError(
                "When using virtual_batch_size, adjustment cannot be specified"
            )

    def _parameter_shape(self, rank: int, sizes: Mapping[int, Any]) -> list[int]:
        if len(sizes) == 1 and self.virtual_batch_size is None:
            return list(sizes.values())
        found = [sizes.get(i, 1) for i in range(rank)]
        if self.virtual_batch_size is not None:
            found.insert(1, 1)
            self.axis = [axis + 1 for axis in self.axis]
        return found

    def _average(self, name: str, sizes: list[int], initializer: Named) -> Any:
        return self.add_weight(
            name=name,
            shape=sizes,
            dtype=self._param_dtype,
            initializer=initializer,
            synchronization=VariableSynchronization.ON_READ,
            trainable=False,
            aggregation=VariableAggregation.MEAN,
            experimental_autocast=False,
        )

    def _make_averages(self, sizes: list[int]) -> None:
        mean, variance = self.moving_mean_initializer, self.moving_variance_initializer
        self.moving_mean = self._average("moving_mean", sizes, mean)
        self.moving_variance = self._average("moving_variance", sizes, variance)
        if not self.renorm:
            return

        def stddev(*args: Any, **kwargs: Any) -> Any:
            return F.Sqrt(variance(*args, **kwargs))

        self.moving_stddev = self._average("moving_stddev", sizes, stddev)
        self.renorm_mean = self._average("renorm_mean", sizes, mean)
        self.renorm_stddev = self._average("renorm_stddev", sizes, stddev)

    @contextmanager
    def _without_partitioner(self) -> Iterator[None]:
        """Averages are not cut into parts."""
        scope = getattr(self, "_scope", None)
        if not scope:
            yield
            return
        partitioner = scope.partitioner
        scope.set_partitioner(None)
        try:
            yield
        finally:
            scope.set_partitioner(partitioner)

    # ------------------------------------------------------------------ averages

    def _moved(
        self, variable: Variable, value: Operand, momentum: Operand | float
    ) -> Any:
        """Bring a moving average towards a value."""
        with name_scope("AssignMovingAvg") as scope, _colocated(variable):
            kind = variable.dtype.base_dtype
            decay = convert_to_tensor(1.0 - momentum, name="decay")
            if decay.dtype != kind:
                decay = cast(decay, kind)
            change = (variable - cast(value, kind)) * decay
            return assign_sub(variable, change, name=scope)

    def _assigned(self, variable: Variable, value: Operand) -> Any:
        with name_scope("AssignNewValue") as scope, _colocated(variable):
            return assign(variable, value, name=scope)

    def _variance_of_stddev(self, variance: Operand, momentum: Operand | float) -> Any:
        """Bring the deviation towards that of the batch, and set the variance by it."""
        deviation = F.Sqrt(variance + self.epsilon)
        moved = self._moved(self.moving_stddev, deviation, momentum)
        value = F.Relu(moved * moved - self.epsilon)
        return self._assigned(self.moving_variance, value)

    # ------------------------------------------------------------------ calls

    def _training_value(self, training: Training | None) -> Training:
        training = phase.training_or_phase(training)
        if not self._USE_V2_BEHAVIOR:
            return training
        if isinstance(training, int):
            return bool(training) and self.trainable
        return F.LogicalAnd(training, self.trainable)

    def call(self, inputs: Tensor, training: Training | None = None) -> Any:
        """The outputs for inputs; if `training`, by the moments of the batch."""
        training = self._training_value(training)
        if self.fused:
            return self._by_one_op(inputs, training)
        rest: Any = inputs.shape.as_list()[1:]
        if self.virtual_batch_size is not None:
            inputs = reshape(inputs, [self.virtual_batch_size, -1, *rest])
        outputs = self._by_moments(inputs, training)
        outputs.set_shape(inputs.shape)
        if self.virtual_batch_size is not None:
            outputs = reshape(outputs, [-1, *rest])
        return outputs

    def _by_one_op(self, inputs: Tensor, training: Training) -> Any:
        beta: Any = self.beta if self.center else self._beta_const
        gamma: Any = self.gamma if self.scale else self._gamma_const
        options = {"epsilon": self.epsilon, "data_format": self._data_format}

        def of_batch() -> Any:
            return fused_batch_norm(inputs, gamma, beta, **options)

        def of_averages() -> Any:
            return fused_batch_norm(
                inputs,
                gamma,
                beta,
                mean=self.moving_mean,
                variance=self.moving_variance,
                is_training=False,
                **options,
            )

        found: Any = smart_cond(training, of_batch, of_averages)
        outputs, mean, variance = found
        if not self._bessels_correction_test_only:
            count = cast(size(inputs) / size(variance), variance.dtype)
            variance *= (count - cast(1.0, variance.dtype)) / count
        known = smart_constant_value(training)
        # there in inference too, as in TensorFlow: seeds count operations
        momentum: Any = (
            smart_cond(training, lambda: self.momentum, lambda: 1.0)
            if known is None
            else convert_to_tensor(self.momentum)
        )
        if known is None or known:
            self.add_update(lambda: self._moved(self.moving_mean, mean, momentum))
            self.add_update(
                lambda: self._moved(self.moving_variance, variance, momentum)
            )
        return outputs

    def _by_moments(self, inputs: Tensor, training: Training) -> Any:
        rank = rank_of(inputs)
        axes = [i for i in range(rank) if i not in self.axis]
        if self.virtual_batch_size is not None:
            del axes[1]
        sizes: list[Any] = [1] * rank
        sizes[self.axis[0]] = inputs.shape.as_list()[self.axis[0]]

        is_last = axes == list(range(rank - 1))

        def spread_out(v: Any) -> Any:
            return spread(v, sizes, is_last)

        scale, offset = spread_out(self.gamma), spread_out(self.beta)
        if smart_constant_value(training) in (False, 0):
            mean, variance = self.moving_mean, self.moving_variance
        else:
            scale, offset = self._adjusted(inputs, training, scale, offset)
            mean, variance, scale, offset = self._moments(
                inputs, training, axes, spread_out, scale, offset
            )
        kind = inputs.dtype
        offset, scale = (None if v is None else cast(v, kind) for v in (offset, scale))
        return batch_normalization(
            inputs,
            spread_out(cast(mean, kind)),
            spread_out(cast(variance, kind)),
            offset,
            scale,
            self.epsilon,
        )

    def _adjusted(
        self, inputs: Tensor, training: Training, scale: Any, offset: Any
    ) -> Any:
        """Scale and offset with what `adjustment` gives, in training."""
        if not self.adjustment:
            return scale, offset
        more, shift = self.adjustment(shape(inputs))
        chosen = smart_cond(training, lambda: more, lambda: ones_like(more))
        added = smart_cond(training, lambda: shift, lambda: zeros_like(shift))
        return _composed(chosen, added, scale, offset)

    def _moments(
        self,
        inputs: Tensor,
        training: Training,
        axes: Sequence[int],
        spread_out: Callable[..., Any],
        scale: Any,
        offset: Any,
    ) -> tuple[Any, Any, Any, Any]:
        """What to normalize by, and the updates of the averages."""
        keep = self.virtual_batch_size is not None or len(self.axis) > 1
        of_batch = moments(cast(inputs, self._param_dtype), list(axes), keep_dims=keep)
        averages = self.moving_mean, self.moving_variance
        mean, variance = (
            smart_cond(training, lambda x=x: x, lambda a=a: convert_to_tensor(a))
            for x, a in zip(of_batch, averages, strict=True)
        )
        new_mean: Any = mean
        new_variance: Any = variance
        if self.virtual_batch_size is not None:
            new_mean, new_variance = (
                F.Mean(x, 1, keep_dims=True) for x in (mean, variance)
            )
        if self.renorm:
            r, d, new_mean, new_variance = self._renormalized(
                new_mean, new_variance, training
            )
            r = spread_out(stop_gradient(r, name="renorm_r"))
            d = spread_out(stop_gradient(d, name="renorm_d"))
            scale, offset = _composed(r, d, scale, offset)

        def update(variable: Variable, change: Callable[[], Any]) -> Callable[[], Any]:
            return lambda: smart_cond(training, change, lambda: variable)

        def move_variance() -> Any:
            if self.renorm:
                return self._variance_of_stddev(new_variance, self.momentum)
            return self._moved(self.moving_variance, new_variance, self.momentum)

        def move_mean() -> Any:
            return self._moved(self.moving_mean, new_mean, self.momentum)

        self.add_update(update(self.moving_mean, move_mean))
        self.add_update(update(self.moving_variance, move_variance))
        return mean, variance, scale, offset

    def _renormalized(
        self, mean: Operand, variance: Operand, training: Training
    ) -> tuple[Any, ...]:
        """The correction r, d of batch renormalization, and the moments after it."""
        stddev = F.Sqrt(variance + self.epsilon)
        kept = F.Maximum(self.renorm_stddev, F.Sqrt(self.epsilon))
        r, d = stddev / kept, (mean - self.renorm_mean) / kept
        with control_dependencies([r, d]):  # of the averages before the update
            mean, stddev = identity(mean), identity(stddev)
        low, high, most = (
            self.renorm_clipping.get(k) for k in ("rmin", "rmax", "dmax")
        )
        r = r if low is None else F.Maximum(r, low)
        r = r if high is None else F.Minimum(r, high)
        d = d if most is None else F.Minimum(F.Maximum(d, -most), most)
        factor, shift = r, d
        r = smart_cond(training, lambda: factor, lambda: ones_like(factor))
        d = smart_cond(training, lambda: shift, lambda: zeros_like(shift))

        def moved(variable: Variable, value: Operand) -> Any:
            value = identity(value)
            return smart_cond(
                training,
                lambda: self._moved(variable, value, self.renorm_momentum),
                lambda: identity(variable),
            )

        updates = [moved(self.renorm_mean, mean), moved(self.renorm_stddev, stddev)]
        with control_dependencies(updates):
            return r, d, identity(mean), identity(variance)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, without its weights."""
        config = super().get_config()
        if self.renorm:
            config["renorm"] = True
            config["renorm_clipping"] = self.renorm_clipping
            config["renorm_momentum"] = self.renorm_momentum
        if self.virtual_batch_size is not None:
            config["virtual_batch_size"] = self.virtual_batch_size
        return config


class BatchNormalizationV2(BatchNormalizationBase):
    """Batch normalization; a frozen layer goes by its averages. See the base."""


class BatchNormalization(BatchNormalizationBase):
    """Batch normalization. See the base for the arguments."""

    _USE_V2_BEHAVIOR = False
    _of_version_1 = True


def _composed(scale: Any, offset: Any, then_scale: Any, then_offset: Any) -> Any:
    """One scale and offset, then another."""
    if then_scale is not None:
        scale, offset = scale * then_scale, offset * then_scale
    if then_offset is not None:
        offset = offset + then_offset
    return scale, offset


def _colocated(variable: Variable) -> Any:
    handle: Any = getattr(variable, "handle", variable)
    if getattr(handle, "_is_eager", False):  # it is in no graph
        return name_scope(None)
    return context.get_default_graph().colocate_with(variable.op)
