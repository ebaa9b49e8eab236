"""What a program says to AutoGraph in passing; without it, nothing happens."""

from __future__ import annotations

UNSPECIFIED = object()


def set_element_type(
    entity: object, dtype: object, shape: object = UNSPECIFIED
) -> None:
    """Say what the elements of a list are: in converted code, with `Feature.LISTS`.

    Args:
      entity: the variable that holds the list.
      dtype, shape: of its elements.
    """
    del entity, dtype, shape


def set_loop_options(
    parallel_iterations: object = UNSPECIFIED,
    back_prop: object = UNSPECIFIED,
    swap_memory: object = UNSPECIFIED,
    maximum_iterations: object = UNSPECIFIED,
) -> None:
    """Say how a loop runs, at its beginning.

    As in 1.15.5, it makes no difference.

    Args:
      parallel_iterations, back_prop, swap_memory, maximum_iterations: arguments of
        `tf.while_loop`.
    """
    del parallel_iterations, back_prop, swap_memory, maximum_iterations
