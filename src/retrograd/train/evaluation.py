"""Evaluation of checkpoints: one as it stands, or each as it is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, nest
from retrograd.graph import context
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.names import GraphKeys
from retrograd.ops.array.identity import identity
from retrograd.platform import logs
from retrograd.train.basic_session_run_hooks import FinalOpsHook
from retrograd.train.checkpoint_state import latest_checkpoint
from retrograd.train.monitored_session import ChiefSessionCreator, MonitoredSession
from retrograd.train.session_run_hook import (
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
)
from retrograd.variables.initializers import Zeros
from retrograd.variables.scope import get_variable
from retrograd.variables.updates import assign_add

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.train.scaffold import Scaffold
    from retrograd.typing import FeedDict, Fetchable, Message, PathLike, Structure


# ------------------------------------------------------------------ new checkpoints


def wait_for_new_checkpoint(
    checkpoint_dir: PathLike,
    last_checkpoint: str | None = None,
    seconds_to_sleep: float = 1,
    timeout: float | None = None,
) -> str | None:
    """The newest checkpoint of a folder, once it is another than the last one.

    Args:
      checkpoint_dir: the folder.
      last_checkpoint: the one that is not waited for.
      seconds_to_sleep: between two looks.
      timeout: how many seconds to wait; None for any time.

    Returns:
      Its path; None where the time is over.
    """
    logs.info(f"Waiting for new checkpoint at {checkpoint_dir}")
    until = None if timeout is None else time.time() + timeout
    while True:
        path = latest_checkpoint(checkpoint_dir)
        if path is not None and path != last_checkpoint:
            logs.info(f"Found new checkpoint at {path}")
            return path
        if until is not None and time.time() + seconds_to_sleep > until:
            return None
        time.sleep(seconds_to_sleep)


def checkpoints_iterator(
    checkpoint_dir: PathLike,
    min_interval_secs: float = 0,
    timeout: float | None = None,
    timeout_fn: Callable[[], bool] | None = None,
) -> Iterator[str]:
    """The checkpoints of a folder, each as it is written.

    Args:
      checkpoint_dir: the folder.
      min_interval_secs: how long it is at least from one to the next.
      timeout: how many seconds to wait for one; None for any time.
      timeout_fn: called when that is over; the iteration ends where it says True, or
        where there is no such function.
    """
    path = None
    while True:
        found = wait_for_new_checkpoint(checkpoint_dir, path, timeout=timeout)
        if found is None:
            if not timeout_fn:
                logs.info("Timed-out waiting for a checkpoint.")
                return
            if timeout_fn():
                return
            continue
        path = found
        start = time.time()
        yield path
        rest = start + min_interval_secs - time.time()
        if rest > 0:
            time.sleep(rest)


# ------------------------------------------------------------------ counted runs


def get_or_create_eval_step() -> Any:
    """The graph's local variable that counts the runs of an evaluation.

    Raises:
      ValueError: there are several.
    """
    found = context.get_default_graph().get_collection(GraphKeys.EVAL_STEP)
    if len(found) > 1:
        raise ValueError("Multiple tensors added to tf.GraphKeys.EVAL_STEP")
    if found:
        return found[0]
    return get_variable(
        "eval_step",
        shape=[],
        dtype=dtypes.int64,
        initializer=Zeros(),
        trainable=False,
        collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.EVAL_STEP],
    )


class _StopAfterNEvalsHook(SessionRunHook):
    """Ends an evaluation after so many runs.

    Args:
      num_evals: how many; None for no end.
      log_progress: whether each is logged.
    """

    def __init__(self, num_evals: int | None, log_progress: bool = True) -> None:
        self._num_evals = num_evals
        self._evals_completed: Tensor | None = None
        self._log_progress = log_progress
        # about ten lines for a long evaluation, one a run for a short one
        self._log_frequency = max(1, num_evals // 10) if num_evals else 1

    def _set_evals_completed_tensor(self, updated_eval_step: Tensor) -> None:
        self._evals_completed = updated_eval_step

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Ask for the count."""
        return SessionRunArgs({"evals_completed": self._evals_completed})

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues
    ) -> None:
        """Log the count, and stop at the last run."""
        done = run_values.results["evals_completed"]
        total = self._num_evals
        if self._log_progress:
            if total is None:
                logs.info("Evaluation [%d]", done)
            elif done % self._log_frequency == 0 or total == done:
                logs.info("Evaluation [%d/%d]", done, total)
        if total is not None and done >= total:
            run_context.request_stop()


def with_count(eval_ops: Any, counted: Tensor) -> Any:
    """What is run, and the counting of the run.

    Args:
      eval_ops: one, a list, or a dict, which is changed.
      counted: what counts.
    """
    if isinstance(eval_ops, dict):
        eval_ops["update_eval_step"] = counted
        return eval_ops
    if isinstance(eval_ops, tuple | list):
        return [*eval_ops, counted]
    return [eval_ops, counted]


def tell_count(hooks: Sequence[SessionRunHook], count: Tensor) -> None:
    """Tell the hooks that wait for it how many runs there have been."""
    for hook in hooks:
        if isinstance(hook, _StopAfterNEvalsHook):
            hook._set_evals_completed_tensor(count)


def evaluate_once(
    checkpoint_path: str | None,
    master: str = "",
    scaffold: Scaffold | None = None,
    eval_ops: Structure = None,
    feed_dict: FeedDict | None = None,
    final_ops: Fetchable = None,
    final_ops_feed_dict: FeedDict | None = None,
    hooks: Sequence[SessionRunHook] | None = None,
    config: Message | None = None,
) -> Any:
    """Evaluate a checkpoint, and return the values of `final_ops`.

    Args:
      checkpoint_path: the checkpoint; without one, variables are initialized.
      master, config: of the session.
      scaffold: the model's operations.
      eval_ops: what is run until a hook stops it: one, a list or a dict.
      feed_dict: what is fed in each run.
      final_ops: what is run once afterwards; its values are returned.
      final_ops_feed_dict: what is fed then.
      hooks: are called around each run.
    """
    every = list(hooks or ())
    if eval_ops is not None:
        counted = assign_add(get_or_create_eval_step(), 1, use_locking=True)
        eval_ops = with_count(eval_ops, counted)
        tell_count(every, identity(_counted_value(eval_ops)))
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    logs.info(f"Starting evaluation at {started}")
    creator = ChiefSessionCreator(
        scaffold=scaffold,
        checkpoint_filename_with_path=checkpoint_path,
        master=master,
        config=config,
    )
    final = FinalOpsHook(final_ops, final_ops_feed_dict)
    with MonitoredSession(session_creator=creator, hooks=[*every, final]) as session:
        run_until_stopped(session, eval_ops, feed_dict)
    logs.info(f"Finished evaluation at {time_of_day()}")
    return final.final_ops_values


def run_until_stopped(
    session: MonitoredSession, eval_ops: Structure, feed_dict: FeedDict | None
) -> None:
    """Run again and again, unless there is nothing to run."""
    if eval_ops is not None:
        while not session.should_stop():
            session.run(eval_ops, feed_dict)


def time_of_day() -> str:
    """The time, as evaluations log it."""
    return time.strftime("%Y-%m-%d-%H:%M:%S", time.gmtime())


def _counted_value(eval_ops: Any) -> Any:
    """The count, read after all that is run."""
    with control_dependencies(nest.flatten(eval_ops)):
        return get_or_create_eval_step().read_value()


#: other names in TensorFlow
StopAfterNEvalsHook = _StopAfterNEvalsHook
_evaluate_once = evaluate_once
_get_or_create_eval_step = get_or_create_eval_step
