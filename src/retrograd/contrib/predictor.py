"""`tf.contrib.predictor`: models that are called with arrays by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retrograd.graph.graph import Graph
from retrograd.run.session import Session
from retrograd.train.saved_model_loader import load
from retrograd.train.saved_model_signatures import (
    DEFAULT_SERVING_SIGNATURE_DEF_KEY,
    SERVING,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from retrograd.typing import Message, PathLike


class Predictor:
    """A model that is called with arrays by name, and gives arrays by name.

    Args:
      session: has the model.
      feed_tensors, fetch_tensors: its inputs and outputs, by what they are called.
    """

    def __init__(
        self,
        session: Session,
        feed_tensors: Mapping[str, Any],
        fetch_tensors: Mapping[str, Any],
    ) -> None:
        self._session, self._graph = session, session.graph
        self._feed_tensors, self._fetch_tensors = (
            dict(feed_tensors),
            dict(fetch_tensors),
        )

    @property
    def graph(self) -> Graph:
        """The graph of the model."""
        return self._graph

    @property
    def session(self) -> Session:
        """The session that has the model."""
        return self._session

    @property
    def feed_tensors(self) -> dict[str, Any]:
        """The inputs."""
        return self._feed_tensors

    @property
    def fetch_tensors(self) -> dict[str, Any]:
        """The outputs."""
        return self._fetch_tensors

    def __call__(self, input_dict: Mapping[str, ArrayLike]) -> dict[str, Any]:
        """The outputs for inputs; of those that are not given, none is fed.

        Raises:
          ValueError: names of no inputs.
        """
        unknown = set(input_dict) - set(self._feed_tensors)
        if unknown:
            raise ValueError(
                f"Got unexpected keys in input_dict: {unknown}\n"
                f"expected: {set(self._feed_tensors)}"
            )
        feeds: Any = {self._feed_tensors[k]: v for k, v in input_dict.items()}
        return self._session.run(self._fetch_tensors, feeds)


def from_saved_model(
    export_dir: PathLike,
    signature_def_key: str | None = None,
    signature_def: Message | None = None,
    input_names: Mapping[str, str] | None = None,
    output_names: Mapping[str, str] | None = None,
    tags: str | None = None,
    graph: Graph | None = None,
    config: Message | None = None,
) -> Predictor:
    """A Predictor of a SavedModel.

    Args:
      export_dir: the folder.
      signature_def_key: which of its signatures; by default `serving_default`.
      signature_def: a signature, in place of that.
      input_names, output_names: names of tensors, in place of a signature.
      tags: with commas; by default `serve`.
      graph: where it is read into; by default a new one.
      config: of the session.

    Raises:
      ValueError: several ways to say what is fed and fetched, or no such signature.
    """
    given = (signature_def_key, signature_def, input_names)
    if sum(value is not None for value in given) > 1:
        raise ValueError(
            "You must specify at most one of signature_def_key OR signature_def OR"
            "(input_names AND output_names)."
        )
    if (input_names is None) != (output_names is None):
        raise ValueError(
            "input_names and output_names must both be specified or both be "
            "unspecified."
        )
    graph = graph or Graph()
    with graph.as_default():
        session = Session(config=config)
        message = load(session, (tags or SERVING).split(","), export_dir)
    if input_names is None:
        signature: Any = signature_def
        if signature is None:
            signature = _signature(message, signature_def_key)
        input_names = {k: v.name for k, v in signature.inputs.items()}
        output_names = {k: v.name for k, v in signature.outputs.items()}
    tensor = graph.get_tensor_by_name
    return Predictor(
        session,
        {k: tensor(v) for k, v in input_names.items()},
        {k: tensor(v) for k, v in (output_names or {}).items()},
    )


def _signature(message: Any, key: str | None) -> Any:
    """The signature of a name in a MetaGraphDef."""
    key = key or DEFAULT_SERVING_SIGNATURE_DEF_KEY
    if key not in message.signature_def:
        names = ", ".join(message.signature_def)
        raise ValueError(
            f'Got signature_def_key "{key}". Available signatures are {names}.'
        )
    return message.signature_def[key]
