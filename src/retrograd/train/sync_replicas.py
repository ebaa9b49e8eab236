"""`tf.train.SyncReplicasOptimizer`: one step for the gradients of several workers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import defaults, dispatch
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.defaults import colocate_with, device
from retrograd.graph.names import GraphKeys
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.fill import fill
from retrograd.ops.flow.control import group, no_op
from retrograd.ops.queues.accumulator import (
    ConditionalAccumulator,
    SparseConditionalAccumulator,
)
from retrograd.ops.queues.queue import FIFOQueue
from retrograd.platform import logs
from retrograd.train.optimizer import Optimizer
from retrograd.train.queue_runner import QueueRunner
from retrograd.train.session_manager import _ready
from retrograd.train.session_run_hook import SessionRunHook
from retrograd.variables import collections
from retrograd.variables.variable import VariableV1

if TYPE_CHECKING:
    from retrograd.run.session import BaseSession
    from retrograd.train.coordinator import Coordinator
    from retrograd.train.moving_averages import ExponentialMovingAverage
    from retrograd.typing import OperationLike, VariableLike
    from retrograd.variables.variable import Variable


class SyncReplicasOptimizer(Optimizer):
    """Takes a step when so many workers have given their gradients.

    The gradients of a step are averaged. Each worker waits for a token, which the chief
    hands out after the step; gradients of earlier steps are dropped. The hook of
    `make_session_run_hook` does what has to be done in a session.

    Args:
      opt: takes the step.
      replicas_to_aggregate: how many gradients make a step.
      total_num_replicas: how many workers there are, by default as many.
      variable_averages: moving averages, updated after each step.
      variables_to_average: of these variables.
      use_locking: not used.
      name: names operations.

    Raises:
      ValueError: averages without variables.
    """

    def __init__(
        self,
        opt: Optimizer,
        replicas_to_aggregate: int,
        total_num_replicas: int | None = None,
        variable_averages: ExponentialMovingAverage | None = None,
        variables_to_average: Sequence[Variable] | None = None,
        use_locking: bool = False,
        name: str = "sync_replicas",
    ) -> None:
        if total_num_replicas is None:
            total_num_replicas = replicas_to_aggregate
        super().__init__(use_locking, name)
        logs.info(
            "SyncReplicasV2: replicas_to_aggregate=%s; total_num_replicas=%s",
            replicas_to_aggregate,
            total_num_replicas,
        )
        self._opt = opt
        self._replicas_to_aggregate = replicas_to_aggregate
        self._total_num_replicas = total_num_replicas
        self._tokens_per_step = max(total_num_replicas, replicas_to_aggregate)
        self._variable_averages = variable_averages
        self._variables_to_average = variables_to_average
        self._gradients_applied = False
        self._global_step: Any = None
        self._sync_token_queue: Any = None
        self._chief_queue_runner: Any = None
        #: set by `apply_gradients`; run once in a session
        self.local_step_init_op: Any = None
        self.chief_init_op: Any = None
        self.ready_for_local_init_op: Any = None

    def compute_gradients(self, *args: object, **kwargs: object) -> list[Any]:
        """As that of the wrapped optimizer."""
        wrapped: Any = self._opt.compute_gradients
        return wrapped(*args, **kwargs)

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Any, Any]],
        global_step: VariableLike | None = None,
        name: str | None = None,
    ) -> Any:
        """Give the gradients, and wait until the step is taken.

        Args:
          grads_and_vars: what `compute_gradients` returns.
          global_step: the counter of steps.
          name: not used.

        Raises:
          ValueError: there are no variables, there is no counter, or a gradient is
            no tensor.
        """
        pairs = list(grads_and_vars)
        if not pairs:
            raise ValueError("Must supply at least one variable")
        if global_step is None:
            raise ValueError("Global step is required to check staleness")
        self._global_step = step = global_step
        # the worker's own counter is kept on the worker
        with colocate_with(no_op()):
            local_step = VariableV1(
                initial_value=0,
                trainable=False,
                collections=[GraphKeys.LOCAL_VARIABLES],
                dtype=step.dtype.base_dtype,
                name="sync_rep_local_step",
            )
        self.local_step_init_op = local_step.assign(step)
        self.ready_for_local_init_op = collections.report_uninitialized_variables(
            collections.global_variables()
        )
        with dispatch.name_scope(None, self._name):
            accumulators, given, taken = self._accumulated(pairs, local_step)
            with device(step.device), dispatch.name_scope(""):
                averaged = zip(taken, [v for _, v in pairs], strict=True)
                updated = self._opt.apply_gradients(averaged, step)
                done = self._synchronized(updated, given, local_step)
            chief = [self.local_step_init_op]
            for accumulator, place in accumulators:
                with device(place):
                    chief.append(accumulator.set_global_step(step, "SetGlobalStep"))
            self.chief_init_op = group(*chief)
        self._gradients_applied = True
        return done

    def _accumulated(
        self, pairs: list[tuple[Any, Any]], local_step: VariableV1
    ) -> tuple[list[tuple[Any, str]], list[Any], list[Any]]:
        """Accumulators with their devices; what gives gradients; what is taken."""
        accumulators: list[tuple[Any, str]] = []
        given: list[Any] = []
        taken: list[Any] = []
        for gradient, var in pairs:
            if gradient is None:
                taken.append(None)
                continue
            shared = f"{var.name}/grad_accum"
            with device(var.device):
                if isinstance(gradient, Tensor):
                    held: Any = ConditionalAccumulator(
                        gradient.dtype, var.get_shape(), shared
                    )
                    given.append(held.apply_grad(gradient, local_step))
                    taken.append(held.take_grad(self._replicas_to_aggregate))
                elif isinstance(gradient, IndexedSlices):
                    held = SparseConditionalAccumulator(
                        gradient.dtype, shape=(), shared_name=shared
                    )
                    given.append(held.apply_indexed_slices_grad(gradient, local_step))
                    taken.append(
                        held.take_indexed_slices_grad(self._replicas_to_aggregate)
                    )
                else:
                    raise ValueError("Unknown grad type!")
            accumulators.append((held, var.device))
        return accumulators, given, taken

    def _synchronized(
        self, updated: OperationLike, given: list[Any], local_step: VariableV1
    ) -> Any:
        """What waits for a token; tokens are handed out after the update."""
        tokens = FIFOQueue(
            -1,
            self._global_step.dtype.base_dtype,
            shapes=(),
            name="sync_token_q",
            shared_name="sync_token_q",
        )
        self._sync_token_queue = tokens
        # a runner has to have a queue: this one is never filled
        dummy = FIFOQueue(
            1, [dtypes.int32], shapes=(), name="dummy_queue", shared_name="dummy_queue"
        )
        with defaults.control_dependencies(given):
            token = tokens.dequeue()
        done = local_step.assign(token)
        with defaults.control_dependencies([updated]):
            new = fill([self._tokens_per_step], self._global_step)
            sync = tokens.enqueue_many((new,))
        if self._variable_averages is not None:
            with defaults.control_dependencies([sync]):
                sync = self._variable_averages.apply(self._variables_to_average)
        self._chief_queue_runner = QueueRunner(dummy, [sync])
        return done

    def get_chief_queue_runner(self) -> QueueRunner:
        """The thread of the chief that takes the steps.

        Raises:
          ValueError: `apply_gradients` was not called.
        """
        if not self._gradients_applied:
            raise ValueError("Should be called after apply_gradients().")
        return self._chief_queue_runner

    def get_init_tokens_op(self, num_tokens: int = -1) -> Any:
        """Hands out the first tokens; the chief runs it once.

        Args:
          num_tokens: how many; by default `replicas_to_aggregate`.

        Raises:
          ValueError: they are too few, or `apply_gradients` was not called.
        """
        if not self._gradients_applied:
            raise ValueError(
                "get_init_tokens_op() should be called after apply_gradients()."
            )
        needed = self._replicas_to_aggregate - self._total_num_replicas
        if num_tokens == -1:
            num_tokens = self._replicas_to_aggregate
        elif num_tokens < needed:
            raise ValueError(
                f"Too few tokens to finish the first step: {num_tokens} (given) vs "
                f"{needed} (needed)"
            )
        if num_tokens <= 0:
            return no_op(name="no_init_tokens")
        with device(self._global_step.device), dispatch.name_scope(""):
            tokens = fill([num_tokens], self._global_step)
            return self._sync_token_queue.enqueue_many((tokens,))

    def make_session_run_hook(
        self, is_chief: bool, num_tokens: int = -1
    ) -> SessionRunHook:
        """A hook that prepares a session, and starts the thread of the chief.

        Args:
          is_chief: whether this worker takes the steps.
          num_tokens: see `get_init_tokens_op`.
        """
        return _SyncReplicasOptimizerHook(self, is_chief, num_tokens)

    def get_slot(self, *args: object, **kwargs: object) -> Any:
        """A slot of the wrapped optimizer."""
        wrapped: Any = self._opt.get_slot
        return wrapped(*args, **kwargs)

    def get_slot_names(self, *args: object, **kwargs: object) -> list[str]:
        """The names of its slots."""
        wrapped: Any = self._opt.get_slot_names
        return wrapped(*args, **kwargs)

    def variables(self) -> list[Any]:
        """Its variables."""
        return self._opt.variables()


class _SyncReplicasOptimizerHook(SessionRunHook):
    """See `SyncReplicasOptimizer.make_session_run_hook`."""

    def __init__(
        self, sync_optimizer: SyncReplicasOptimizer, is_chief: bool, num_tokens: int
    ) -> None:
        self._sync_optimizer = sync_optimizer
        self._is_chief, self._num_tokens = is_chief, num_tokens
        self._q_runner: QueueRunner | None = None
        self._init_tokens_op: Any = None

    def begin(self) -> None:
        """Find what has to be run.

        Raises:
          ValueError: `apply_gradients` was not called.
        """
        optimizer = self._sync_optimizer
        if not optimizer._gradients_applied:
            raise ValueError(
                "SyncReplicasOptimizer.apply_gradient should be called before using "
                "the hook."
            )
        self._ready_for_local_init_op = optimizer.ready_for_local_init_op
        self._local_init_op = optimizer.local_step_init_op
        if self._is_chief:
            self._local_init_op = optimizer.chief_init_op
            self._q_runner = optimizer.get_chief_queue_runner()
            self._init_tokens_op = optimizer.get_init_tokens_op(self._num_tokens)

    def after_create_session(self, session: BaseSession, coord: Coordinator) -> None:
        """Prepare the session, and start the thread of the chief.

        Raises:
          RuntimeError: variables are not initialized.
        """
        ready, message = _ready(
            self._ready_for_local_init_op,
            session,
            "Model is not ready for SyncReplicasOptimizer local init.",
        )
        if not ready:
            raise RuntimeError(
                "Init operations did not make model ready for SyncReplicasOptimizer "
                f"local_init. Init op: {self._local_init_op.name}, error: {message}"
            )
        session.run(self._local_init_op)
        if self._init_tokens_op is not None:
            session.run(self._init_tokens_op)
        if self._q_runner is not None:
            self._q_runner.create_threads(session, coord=coord, daemon=True, start=True)
