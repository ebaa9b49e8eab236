"""What a set of examples is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from retrograd.contrib.slim.data.data_decoder import DataDecoder


class Dataset:
    """Where examples are, and how they are read; other arguments become attributes.

    Args:
      data_sources: files, or patterns of their names.
      reader: the class of what reads files.
      decoder: makes tensors of what is read.
      num_samples: how many examples there are.
      items_to_descriptions: what is in an example, by name.
      **kwargs: what else is known, as `num_classes`.
    """

    def __init__(
        self,
        data_sources: str | Sequence[str],
        reader: type[Any],
        decoder: DataDecoder,
        num_samples: int,
        items_to_descriptions: Mapping[str, str],
        **kwargs: object,
    ) -> None:
        kwargs.update(
            data_sources=data_sources,
            reader=reader,
            decoder=decoder,
            num_samples=num_samples,
            items_to_descriptions=items_to_descriptions,
        )
        self.__dict__.update(kwargs)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"'{type(self).__name__}' object has no attribute '{name}'"
        )
