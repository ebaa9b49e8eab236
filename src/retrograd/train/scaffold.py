"""What a monitored session needs of a graph, found or made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd.graph import context
from retrograd.graph.names import GraphKeys
from retrograd.ops.array.join import concat
from retrograd.ops.flow.control import group
from retrograd.ops.state import shared_resources
from retrograd.summary.summary import merge_all
from retrograd.train.saver import Saver
from retrograd.variables import collections

if TYPE_CHECKING:
    from retrograd.typing import FeedDict, Fetchable


class Scaffold:
    """The operations that initialize, check, summarize and save a model.

    What is not given is looked for in the graph's collections, and made where it is
    not there, when `finalize` is called.

    Args:
      init_op: initializes variables.
      init_feed_dict: is fed to it.
      init_fn: called with the scaffold and the session after that.
      ready_op: gives the names of variables that are not initialized.
      ready_for_local_init_op: the same of those that `local_init_op` waits for.
      local_init_op: initializes what each process has of its own.
      summary_op: serialized summaries.
      saver: saves and restores.
      copy_from_scaffold: another, whose parts are taken where none are given.
    """

    def __init__(
        self,
        init_op: Fetchable = None,
        init_feed_dict: FeedDict | None = None,
        init_fn: Callable[[Scaffold, Any], object] | None = None,
        ready_op: Fetchable = None,
        ready_for_local_init_op: Fetchable = None,
        local_init_op: Fetchable = None,
        summary_op: Fetchable = None,
        saver: Saver | None = None,
        copy_from_scaffold: Scaffold | None = None,
    ) -> None:
        other = copy_from_scaffold
        if other is not None and not isinstance(other, Scaffold):
            raise TypeError(
                "copy_from_scaffold is not a Scaffold instance. It is "
                f"{type(other)}, {other}"
            )

        def chosen(name: str, given: object) -> Any:
            if given is not None or other is None:
                return given
            return getattr(other, name)

        self._user_init_fn = init_fn or (other and other._user_init_fn)
        self._init_op = chosen("init_op", init_op)
        self._ready_op = chosen("ready_op", ready_op)
        self._ready_for_local_init_op = chosen(
            "ready_for_local_init_op", ready_for_local_init_op
        )
        self._local_init_op = chosen("local_init_op", local_init_op)
        self._summary_op = chosen("summary_op", summary_op)
        self._saver = chosen("saver", saver)
        self._init_feed_dict = chosen("init_feed_dict", init_feed_dict)
        self._init_fn: Any = None
        if self._user_init_fn:
            function = self._user_init_fn
            self._init_fn = lambda session: function(self, session)

    def finalize(self) -> Scaffold:
        """Make what is missing, and let the graph be final."""
        if self._init_op is None:

            def init() -> Any:
                return group(
                    collections.global_variables_initializer(),
                    shared_resources.initialize_resources(
                        shared_resources.shared_resources()
                    ),
                )

            self._init_op = Scaffold.get_or_default("init_op", GraphKeys.INIT_OP, init)
        if self._ready_op is None:

            def ready() -> Any:
                return concat(
                    [
                        collections.report_uninitialized_variables(),
                        shared_resources.report_uninitialized_resources(),
                    ],
                    0,
                )

            self._ready_op = Scaffold.get_or_default(
                "ready_op", GraphKeys.READY_OP, ready
            )
        if self._ready_for_local_init_op is None:

            def ready_for_local() -> Any:
                return concat(
                    [
                        collections.report_uninitialized_variables(
                            collections.global_variables()
                        ),
                        shared_resources.report_uninitialized_resources(
                            shared_resources.shared_resources()
                        ),
                    ],
                    0,
                )

            self._ready_for_local_init_op = Scaffold.get_or_default(
                "ready_for_local_init_op",
                GraphKeys.READY_FOR_LOCAL_INIT_OP,
                ready_for_local,
            )
        if self._local_init_op is None:
            self._local_init_op = Scaffold.get_or_default(
                "local_init_op",
                GraphKeys.LOCAL_INIT_OP,
                Scaffold.default_local_init_op,
            )
        if self._summary_op is None:
            self._summary_op = Scaffold.get_or_default(
                "summary_op", GraphKeys.SUMMARY_OP, merge_all
            )
        if self._saver is None:
            self._saver = _get_saver_or_default()
        self._saver.build()
        _graph().finalize()
        return self

    @property
    def init_fn(self) -> Any:
        """Called with the session after `init_op`."""
        return self._init_fn

    @property
    def init_op(self) -> Any:
        """Initializes variables."""
        return self._init_op

    @property
    def ready_op(self) -> Any:
        """Gives the names of variables that are not initialized."""
        return self._ready_op

    @property
    def ready_for_local_init_op(self) -> Any:
        """Gives the names of those that `local_init_op` waits for."""
        return self._ready_for_local_init_op

    @property
    def local_init_op(self) -> Any:
        """Initializes what each process has of its own."""
        return self._local_init_op

    @property
    def summary_op(self) -> Any:
        """Serialized summaries."""
        return self._summary_op

    @property
    def saver(self) -> Any:
        """What saves and restores."""
        return self._saver

    @property
    def init_feed_dict(self) -> Any:
        """What is fed to `init_op`."""
        return self._init_feed_dict

    @staticmethod
    def get_or_default(
        arg_name: str, collection_key: str, default_constructor: Callable[[], Any]
    ) -> Any:
        """What a collection holds, or what is made and put there.

        Raises:
          RuntimeError: the collection holds several.
        """
        elements = _graph().get_collection(collection_key)
        if elements:
            if len(elements) > 1:
                raise RuntimeError(
                    "More than one item in the collection "
                    f'"{collection_key}". Please indicate which one to use by passing '
                    f"it to the tf.Scaffold constructor as:  tf.Scaffold({arg_name}="
                    "item to use)"
                )
            return elements[0]
        made = default_constructor()
        if made is not None:
            _graph().add_to_collection(collection_key, made)
        return made

    @staticmethod
    def default_local_init_op() -> Any:
        """Initializes local variables and tables."""
        return group(
            collections.local_variables_initializer(), collections.tables_initializer()
        )


def _graph() -> Any:
    return context.get_default_graph()


def _get_saver_or_default() -> Saver:
    """The saver of the collection SAVERS, or a new one that is put there.

    Raises:
      RuntimeError: there are several.
    """
    savers = _graph().get_collection(GraphKeys.SAVERS)
    if savers:
        if len(savers) > 1:
            raise RuntimeError(
                f"More than one item in collection {GraphKeys.SAVERS}. Please indicate "
                "which one to use by passing it to the constructor."
            )
        return savers[0]
    saver = Saver(sharded=True, allow_empty=True)
    _graph().add_to_collection(GraphKeys.SAVERS, saver)
    return saver
