"""Attention: how a query is compared with a memory, [batch, places, …]."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from retrograd import dtypes, nest
from retrograd.contrib.seq2seq.monotonic import monotonic_probability
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.dispatch import name_scope
from retrograd.layers.base import Layer
from retrograd.layers.faces import Dense
from retrograd.layers.rnn_cell_base import zero_state_tensors
from retrograd.ops.array.fill import ones, ones_like, zeros
from retrograd.ops.array.grids import sequence_mask
from retrograd.ops.array.join import concat
from retrograd.ops.array.selection import one_hot, where
from retrograd.ops.array.shape import (
    expand_dims,
    rank,
    reshape,
    shape,
    size_along,
    squeeze,
)
from retrograd.ops.declare import F
from retrograd.ops.host.checks import assert_positive
from retrograd.ops.linalg.products import matmul
from retrograd.ops.math.reduce import reduce_sum
from retrograd.ops.nn.nn import softmax
from retrograd.shapes import dimension_value
from retrograd.variables.initializers import (
    constant_initializer,
    ones_initializer,
    zeros_initializer,
)
from retrograd.variables.scope import get_variable, variable_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, Operand, Structure, TensorLike

    #: from scores [batch, places] and the state to alignments
    Probability: TypeAlias = Callable[[Any, Any], Any]
    #: from keys and values to others
    KeyValue: TypeAlias = Callable[[Any, Any], tuple[Any, Any]]


class AttentionMechanism:
    """An interface: called with a query and a state, gives alignments and a state."""

    @property
    def alignments_size(self) -> Any:
        """The size of alignments."""
        raise NotImplementedError

    @property
    def state_size(self) -> Any:
        """The size of the state."""
        raise NotImplementedError


def _prepare_memory(
    memory: Structure,
    memory_sequence_length: TensorLike | None = None,
    check_inner_dims_defined: bool = True,
) -> Any:
    """A memory with zeros behind the end of each sequence.

    Raises:
      ValueError: a size behind the first two is not known.
    """
    memory = nest.map_structure(lambda m: convert_to_tensor(m, name="memory"), memory)
    lengths: Any = memory_sequence_length
    if lengths is not None:
        lengths = convert_to_tensor(lengths, name="memory_sequence_length")
    if check_inner_dims_defined:
        for m in nest.flatten(memory):
            if not m.shape[2:].is_fully_defined():
                raise ValueError(
                    f"Expected memory {m.name} to have fully defined inner dims, "
                    f"but saw shape: {m.shape}"
                )
    if lengths is None:
        return memory
    first = nest.flatten(memory)[0]
    mask = sequence_mask(lengths, maxlen=shape(first)[1], dtype=first.dtype)

    def masked(m: Tensor) -> Any:
        known = m.shape.ndims
        inner = ones((rank(m) if known is None else known) - 2, dtype=dtypes.int32)
        return m * reshape(mask, concat((shape(mask), inner), 0))

    return nest.map_structure(masked, memory)


def _maybe_mask_score(
    score: Tensor,
    memory_sequence_length: TensorLike | None,
    score_mask_value: TensorLike,
) -> Any:
    """Scores, with another value behind the end of each sequence."""
    if memory_sequence_length is None:
        return score
    message = "All values in memory_sequence_length must greater than zero."
    check = assert_positive(memory_sequence_length, message=message)
    with control_dependencies([check]):
        inside = sequence_mask(memory_sequence_length, maxlen=shape(score)[1])
        return where(inside, score, score_mask_value * ones_like(score))


class _BaseAttentionMechanism(AttentionMechanism):
    """A base: keeps a memory, and what is compared with queries.

    Args:
      query_layer, memory_layer: layers that make queries and keys, or None.
      memory: [batch, places, …].
      probability_fn: from scores and the state to alignments.
      memory_sequence_length: [batch]; behind it there is nothing to see.
      check_inner_dims_defined: whether all sizes but the first two must be known.
      score_mask_value: the score of such places; by default −∞.
      custom_key_value_fn: changes keys and values.
      name: the name of the operations.

    Raises:
      TypeError: a layer is none.
      ValueError: a size is not known.
    """

    def __init__(
        self,
        query_layer: Layer | None,
        memory: Structure,
        probability_fn: Probability,
        memory_sequence_length: TensorLike | None = None,
        memory_layer: Layer | None = None,
        check_inner_dims_defined: bool = True,
        score_mask_value: TensorLike | None = None,
        custom_key_value_fn: KeyValue | None = None,
        name: str | None = None,
    ) -> None:
        for layer, called in ((query_layer, "query"), (memory_layer, "memory")):
            if layer is not None and not isinstance(layer, Layer):
                raise TypeError(
                    f"{called}_layer is not a Layer: {type(layer).__name__}"
                )
        self._query_layer, self._memory_layer = query_layer, memory_layer
        made: Any = memory_layer
        self.dtype = made.dtype
        if not callable(probability_fn):
            raise TypeError(
                "probability_fn must be callable, saw type: "
                f"{type(probability_fn).__name__}"
            )
        self._score_to_alignments = probability_fn
        self._lengths = memory_sequence_length
        self._score_mask_value: TensorLike = (
            dtypes.as_dtype(self.dtype).as_numpy_dtype(-np.inf)
            if score_mask_value is None
            else score_mask_value
        )
        with name_scope(name, "BaseAttentionMechanismInit", nest.flatten(memory)):
            self._values = _prepare_memory(
                memory, memory_sequence_length, check_inner_dims_defined
            )
            keys = self._values if memory_layer is None else memory_layer(self._values)
            self._keys = keys
            if custom_key_value_fn is not None:
                self._keys, self._values = custom_key_value_fn(keys, self._values)
            self._batch_size = size_along(self._keys, 0)
            self._alignments_size = size_along(self._keys, 1)

    def _probability_fn(self, score: Tensor, state: Structure) -> Any:
        masked = _maybe_mask_score(score, self._lengths, self._score_mask_value)
        return self._score_to_alignments(masked, state)

    @property
    def memory_layer(self) -> Any:
        """The layer that makes keys."""
        return self._memory_layer

    @property
    def query_layer(self) -> Any:
        """The layer that changes queries."""
        return self._query_layer

    @property
    def values(self) -> Any:
        """What is seen, [batch, places, …]."""
        return self._values

    @property
    def keys(self) -> Any:
        """What is compared with queries, [batch, places, …]."""
        return self._keys

    @property
    def batch_size(self) -> Any:
        """The size of the batch."""
        return self._batch_size

    @property
    def alignments_size(self) -> Any:
        """How many places there are."""
        return self._alignments_size

    @property
    def state_size(self) -> Any:
        """The same: the state is the last alignments."""
        return self._alignments_size

    def initial_alignments(self, batch_size: TensorLike, dtype: DTypeLike) -> Any:
        """The alignments before the first step: zeros."""
        return zero_state_tensors(self._alignments_size, batch_size, dtype)

    def initial_state(self, batch_size: TensorLike, dtype: DTypeLike) -> Any:
        """The state before the first step."""
        return self.initial_alignments(batch_size, dtype)


class _BaseMonotonicAttentionMechanism(_BaseAttentionMechanism):
    """A base of mechanisms that never look back; they begin at the first place."""

    def initial_alignments(self, batch_size: TensorLike, dtype: DTypeLike) -> Any:
        """All at the first place."""
        first = zeros((batch_size,), dtype=dtypes.int32)
        return one_hot(first, self._alignments_size, dtype=dtype)


def _luong_score(query: Tensor, keys: Tensor, scale: Operand | None) -> Any:
    """query · key for each place.

    Raises:
      ValueError: they are not of one size.
    """
    depth, units = query.shape[-1], keys.shape[-1]
    if dimension_value(depth) != dimension_value(units):
        raise ValueError(
            "Incompatible or unknown inner dimensions between query and keys.  Query "
            f"({query}) has units: {depth}.  Keys ({keys}) have units: {units}.  "
            f"Perhaps you need to set num_units to the keys' dimension ({units})?"
        )
    score = squeeze(matmul(expand_dims(query, 1), keys, transpose_b=True), [1])
    return score if scale is None else scale * score


def _bahdanau_score(
    processed_query: Tensor,
    keys: Tensor,
    attention_v: Operand,
    attention_g: Operand | None = None,
    attention_b: Operand | None = None,
) -> Any:
    """v · tanh(query + key + b) for each place; v has the norm g if there is one."""
    query = expand_dims(processed_query, 1)
    if attention_g is None or attention_b is None:
        return reduce_sum(attention_v * F.Tanh(keys + query), [2])
    v = attention_g * attention_v * F.Rsqrt(reduce_sum(F.Square(attention_v)))
    return reduce_sum(v * F.Tanh(keys + query + attention_b), [2])


def _layer(name: str, units: int, dtype: DTypeLike | None) -> Any:
    kind: Any = Dense
    dtype = dtypes.float32 if dtype is None else dtype
    return kind(units, name=name, use_bias=False, dtype=dtype)


def _of_score(probability_fn: Callable[[Any], Any] | None) -> Probability:
    """A function of scores as one that takes the state too."""
    found = softmax if probability_fn is None else probability_fn
    return lambda score, _: found(score)


class _Scored(_BaseAttentionMechanism):
    """A base: its state is the last alignments, which it makes of scores."""

    _scope: str

    def _score(self, query: Tensor) -> Any:
        raise NotImplementedError

    def __call__(self, query: Tensor, state: Tensor) -> tuple[Any, Any]:
        """The alignments of a query [batch, n], and the next state: the same.

        Raises:
          ValueError: the query has another size than keys, where it must not.
        """
        with variable_scope(None, self._scope, [query]):
            score = self._score(query)
        alignments = self._probability_fn(score, state)
        return alignments, alignments


class _Luong(_Scored):
    """The score of Luong et al. 2015, with a scale g if it is wanted."""

    _scale: bool

    def _score(self, query: Tensor) -> Any:
        g = None
        if self._scale:
            g = get_variable(
                "attention_g",
                dtype=query.dtype,
                initializer=ones_initializer(),
                shape=(),
            )
        return _luong_score(query, self.keys, g)


class _Bahdanau(_Scored):
    """The score of Bahdanau et al. 2015, normalized if it is wanted."""

    _normalize: bool
    _num_units: int

    def _score(self, query: Tensor) -> Any:
        processed = query if self.query_layer is None else self.query_layer(query)
        units, dtype = self._num_units, query.dtype
        v = get_variable("attention_v", [units], dtype=dtype)
        if not self._normalize:
            return _bahdanau_score(processed, self.keys, v)
        first = constant_initializer(math.sqrt(1.0 / units))
        g = get_variable("attention_g", dtype=dtype, initializer=first, shape=())
        b = get_variable(
            "attention_b", [units], dtype=dtype, initializer=zeros_initializer()
        )
        return _bahdanau_score(processed, self.keys, v, g, b)


class LuongAttention(_Luong):
    """Scores are products of the query and keys (Luong et al. 2015).

    Args:
      num_units: the size of keys, which is that of queries.
      memory: [batch, places, …].
      memory_sequence_length: [batch]; behind it there is nothing to see.
      scale: whether scores have a factor that is learnt.
      probability_fn: from scores to alignments; by default softmax.
      score_mask_value: the score behind the end; by default −∞.
      dtype: of the layers; by default float32.
      custom_key_value_fn: changes keys and values.
      name: the name of the operations.
    """

    _scope = "luong_attention"

    def __init__(
        self,
        num_units: int,
        memory: Structure,
        memory_sequence_length: TensorLike | None = None,
        scale: bool = False,
        probability_fn: Callable[[Any], Any] | None = None,
        score_mask_value: TensorLike | None = None,
        dtype: DTypeLike | None = None,
        custom_key_value_fn: KeyValue | None = None,
        name: str = "LuongAttention",
    ) -> None:
        super().__init__(
            query_layer=None,
            memory_layer=_layer("memory_layer", num_units, dtype),
            memory=memory,
            probability_fn=_of_score(probability_fn),
            memory_sequence_length=memory_sequence_length,
            score_mask_value=score_mask_value,
            custom_key_value_fn=custom_key_value_fn,
            name=name,
        )
        self._num_units, self._scale, self._name = num_units, scale, name


class BahdanauAttention(_Bahdanau):
    """Scores are v · tanh(query + key), all with weights (Bahdanau et al. 2015).

    Args:
      num_units: the size of keys and queries, behind their layers.
      memory: [batch, places, …].
      memory_sequence_length: [batch]; behind it there is nothing to see.
      normalize: whether v has a norm that is learnt (Salimans & Kingma 2016).
      probability_fn: from scores to alignments; by default softmax.
      score_mask_value: the score behind the end; by default −∞.
      dtype: of the layers; by default float32.
      custom_key_value_fn: changes keys and values.
      name: the name of the operations.
    """

    _scope = "bahdanau_attention"

    def __init__(
        self,
        num_units: int,
        memory: Structure,
        memory_sequence_length: TensorLike | None = None,
        normalize: bool = False,
        probability_fn: Callable[[Any], Any] | None = None,
        score_mask_value: TensorLike | None = None,
        dtype: DTypeLike | None = None,
        custom_key_value_fn: KeyValue | None = None,
        name: str = "BahdanauAttention",
    ) -> None:
        super().__init__(
            query_layer=_layer("query_layer", num_units, dtype),
            memory_layer=_layer("memory_layer", num_units, dtype),
            memory=memory,
            probability_fn=_of_score(probability_fn),
            memory_sequence_length=memory_sequence_length,
            score_mask_value=score_mask_value,
            custom_key_value_fn=custom_key_value_fn,
            name=name,
        )
        self._num_units, self._normalize, self._name = num_units, normalize, name


class _Monotonic(_BaseMonotonicAttentionMechanism, _Scored):
    """A base of both monotonic mechanisms: scores have a bias that is learnt."""

    _score_bias_init: float

    def _score(self, query: Tensor) -> Any:
        score = super()._score(query)
        score += get_variable(
            "attention_score_bias",
            dtype=query.dtype,
            initializer=self._score_bias_init,
        )
        return score


def _moving(mode: str, sigmoid_noise: float, seed: int | None) -> Probability:
    return functools.partial(
        monotonic_probability, sigmoid_noise=sigmoid_noise, mode=mode, seed=seed
    )


class BahdanauMonotonicAttention(_Monotonic, _Bahdanau):
    """As `BahdanauAttention`, and attention never moves back (Raffel et al. 2017).

    Args:
      num_units, memory, memory_sequence_length, normalize, score_mask_value, dtype,
        name: see `BahdanauAttention`.
      sigmoid_noise: the deviation of noise that is added to scores.
      sigmoid_noise_seed: its seed.
      score_bias_init: the first value of a number that is added to scores.
      mode: see `monotonic_attention`.
    """

    _scope = "bahdanau_monotonic_attention"

    def __init__(
        self,
        num_units: int,
        memory: Structure,
        memory_sequence_length: TensorLike | None = None,
        normalize: bool = False,
        score_mask_value: TensorLike | None = None,
        sigmoid_noise: float = 0.0,
        sigmoid_noise_seed: int | None = None,
        score_bias_init: float = 0.0,
        mode: str = "parallel",
        dtype: DTypeLike | None = None,
        name: str = "BahdanauMonotonicAttention",
    ) -> None:
        super().__init__(
            query_layer=_layer("query_layer", num_units, dtype),
            memory_layer=_layer("memory_layer", num_units, dtype),
            memory=memory,
            probability_fn=_moving(mode, sigmoid_noise, sigmoid_noise_seed),
            memory_sequence_length=memory_sequence_length,
            score_mask_value=score_mask_value,
            name=name,
        )
        self._num_units, self._normalize, self._name = num_units, normalize, name
        self._score_bias_init = score_bias_init


class LuongMonotonicAttention(_Monotonic, _Luong):
    """As `LuongAttention`, and attention never moves back (Raffel et al. 2017).

    Args:
      num_units, memory, memory_sequence_length, scale, score_mask_value, dtype, name:
        see `LuongAttention`.
      sigmoid_noise, sigmoid_noise_seed, score_bias_init, mode: see
        `BahdanauMonotonicAttention`.
    """

    _scope = "luong_monotonic_attention"

    def __init__(
        self,
        num_units: int,
        memory: Structure,
        memory_sequence_length: TensorLike | None = None,
        scale: bool = False,
        score_mask_value: TensorLike | None = None,
        sigmoid_noise: float = 0.0,
        sigmoid_noise_seed: int | None = None,
        score_bias_init: float = 0.0,
        mode: str = "parallel",
        dtype: DTypeLike | None = None,
        name: str = "LuongMonotonicAttention",
    ) -> None:
        super().__init__(
            query_layer=None,
            memory_layer=_layer("memory_layer", num_units, dtype),
            memory=memory,
            probability_fn=_moving(mode, sigmoid_noise, sigmoid_noise_seed),
            memory_sequence_length=memory_sequence_length,
            score_mask_value=score_mask_value,
            name=name,
        )
        self._num_units, self._scale, self._name = num_units, scale, name
        self._score_bias_init = score_bias_init
