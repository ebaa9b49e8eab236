"""Embeddings of `tf.contrib.layers`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.contrib.framework.model_variables import model_variable
from retrograd.graph.composite import SparseTensor
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.ops.array.gather import gather
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import reshape, shape
from retrograd.ops.array.sorting import unique
from retrograd.ops.math.reduce import reduce_mean, reduce_prod
from retrograd.ops.nn.embedding import embedding_lookup, embedding_lookup_sparse
from retrograd.variables.scope import variable_scope

if TYPE_CHECKING:
    from retrograd.typing import (
        InitializerLike,
        Regularizer,
        Reuse,
        ScopeLike,
        TensorLike,
    )


def embedding_lookup_unique(
    params: Any,
    ids: TensorLike,
    partition_strategy: str = "mod",
    name: str | None = None,
) -> Any:
    """As `tf.nn.embedding_lookup`, looking each id up once."""
    with name_scope(name, "EmbeddingLookupUnique", [params, ids]):
        ids = convert_to_tensor(ids)
        sizes = shape(ids)
        flat = reshape(ids, reduce_prod(sizes, keepdims=True))
        found, places = unique(flat)
        rows = embedding_lookup(params, found, partition_strategy)
        flat_rows = gather(rows, places)
        wanted = concat([sizes, shape(flat_rows)[1:]], 0)
        outputs = reshape(flat_rows, wanted)
        outputs.set_shape(
            ids.get_shape().concatenate(rows.get_shape().with_rank_at_least(1)[1:])
        )
        return outputs


def embed_sequence(
    ids: TensorLike,
    vocab_size: int | None = None,
    embed_dim: int | None = None,
    unique: bool = False,
    initializer: InitializerLike | None = None,
    regularizer: Regularizer | None = None,
    trainable: bool = True,
    scope: ScopeLike = None,
    reuse: Reuse = None,
) -> Any:
    """The rows of a variable `embeddings` at ids.

    Args:
      ids: integers, of any shape.
      vocab_size: how many rows there are.
      embed_dim: how long they are.
      unique: whether each id is looked up once.
      initializer, regularizer: of the variable.
      trainable: whether it is trained.
      scope: the variable scope.
      reuse: whether the variable that is there is used.

    Raises:
      ValueError: one of the sizes is missing where there is nothing to reuse.
    """
    if not (reuse or (vocab_size and embed_dim)):
        raise ValueError(
            "Must specify vocab size and embedding dimension when not reusing. Got "
            f"vocab_size={vocab_size} and embed_dim={embed_dim}"
        )
    with variable_scope(scope, "EmbedSequence", [ids], reuse=reuse):
        rows = model_variable(
            "embeddings",
            shape=[vocab_size, embed_dim],
            initializer=initializer,
            regularizer=regularizer,
            trainable=trainable,
        )
        if unique:
            return embedding_lookup_unique(rows, ids)
        return embedding_lookup(rows, ids)


def bow_encoder(
    ids: Any,
    vocab_size: int,
    embed_dim: int,
    sparse_lookup: bool = True,
    initializer: InitializerLike | None = None,
    regularizer: Regularizer | None = None,
    trainable: bool = True,
    scope: ScopeLike = None,
    reuse: Reuse = None,
) -> Any:
    """The mean of the rows of a variable `embeddings` at the ids of each example.

    Args:
      ids: a tensor [batch, length], or a sparse one.
      sparse_lookup: whether ids of −1 are left out, as those of a sparse tensor are.
      vocab_size, embed_dim, initializer, regularizer, trainable, scope, reuse: as for
        `embed_sequence`.

    Raises:
      TypeError: sparse ids without `sparse_lookup`.
    """
    with variable_scope(scope, "bow_encoder", [ids], reuse=reuse):
        rows = model_variable(
            "embeddings",
            shape=[vocab_size, embed_dim],
            initializer=initializer,
            regularizer=regularizer,
            trainable=trainable,
        )
        if sparse_lookup:
            from retrograd.contrib.layers.shaping import dense_to_sparse

            if not isinstance(ids, SparseTensor):
                ids = dense_to_sparse(ids)
            return embedding_lookup_sparse(rows, ids, None, combiner="mean")
        if isinstance(ids, SparseTensor):
            raise TypeError("ids are expected to be dense Tensor, got: %s", ids)
        return reduce_mean(embedding_lookup(rows, ids), axis=1)
