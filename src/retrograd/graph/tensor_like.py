"""What libraries ask `isinstance` of to know a tensor, dense or sparse."""

from __future__ import annotations


class _TensorLike:
    """Base of tensors, and of what stands for one."""

    __slots__ = ()
