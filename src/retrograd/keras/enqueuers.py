"""Batches that are made ahead of time, in threads: of a `Sequence` or a generator."""

from __future__ import annotations

import random
import threading
from abc import abstractmethod
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, Full, Queue
from typing import Any


class Sequence:
    """Base of batches by number: `len` says how many there are.

    A subclass defines `__getitem__`, which gives a batch, and `__len__`.
    """

    @abstractmethod
    def __getitem__(self, index: int) -> Any:
        """The batch of a number."""
        raise NotImplementedError

    @abstractmethod
    def __len__(self) -> int:
        """How many batches there are."""
        raise NotImplementedError

    def on_epoch_end(self) -> None:
        """All batches have been used."""

    def __iter__(self) -> Iterator[Any]:
        """All batches, once."""
        for i in range(len(self)):
            yield self[i]


def iter_sequence_infinite(seq: Sequence) -> Iterator[Any]:
    """All batches of a sequence, again and again."""
    while True:
        yield from seq


def is_generator_or_sequence(x: object) -> bool:
    """Whether something gives batches one after another."""
    return isinstance(x, (Iterator, Sequence))


class SequenceEnqueuer:
    """Base of what makes batches ahead of time.

    Args:
      sequence: where they come from.
      use_multiprocessing: accepted; threads make them in any case.
    """

    def __init__(self, sequence: Any, use_multiprocessing: bool = False) -> None:
        self.sequence = sequence
        self.use_multiprocessing = use_multiprocessing
        self.workers = 0
        self.queue: Queue[Future[Any]] = Queue()
        self.run_thread: threading.Thread | None = None
        self.stop_signal = threading.Event()

    def is_running(self) -> bool:
        """Whether batches are being made."""
        return self.run_thread is not None and not self.stop_signal.is_set()

    def start(self, workers: int = 1, max_queue_size: int = 10) -> None:
        """Begin to make batches.

        Args:
          workers: how many threads make them.
          max_queue_size: how many may wait to be used.
        """
        self.workers = workers
        self.queue = Queue(max_queue_size)
        self.stop_signal.clear()
        self.run_thread = threading.Thread(target=self._run, daemon=True)
        self.run_thread.start()

    def stop(self, timeout: float | None = None) -> None:
        """Make no more batches.

        Args:
          timeout: for how many seconds to wait for those under way.
        """
        self.stop_signal.set()
        while True:
            try:
                self.queue.get_nowait()
                self.queue.task_done()
            except Empty:
                break
        if self.run_thread is not None:
            self.run_thread.join(timeout)

    def _put(self, batch: Future[Any]) -> bool:
        """Let a batch wait to be used; false where no more are wanted."""
        while not self.stop_signal.is_set():
            try:
                self.queue.put(batch, timeout=0.1)
                return True
            except Full:
                continue
        return False

    def _run(self) -> None:
        """Make batches until they are not wanted any more."""
        raise NotImplementedError

    def get(self) -> Iterator[Any]:
        """The batches, in order.

        Raises:
          Exception: what making one has raised.
        """
        raise NotImplementedError


class OrderedEnqueuer(SequenceEnqueuer):
    """Makes the batches of a `Sequence` ahead of time, again and again.

    Args:
      sequence: the sequence.
      use_multiprocessing: accepted; threads make them in any case.
      shuffle: whether each epoch has another order.
    """

    def __init__(
        self,
        sequence: Sequence,
        use_multiprocessing: bool = False,
        shuffle: bool = False,
    ) -> None:
        super().__init__(sequence, use_multiprocessing)
        self.shuffle = shuffle

    def _run(self) -> None:
        order = list(range(len(self.sequence)))
        with ThreadPoolExecutor(max(1, self.workers)) as pool:
            while not self.stop_signal.is_set():
                if self.shuffle:
                    random.shuffle(order)
                for i in order:
                    if not self._put(pool.submit(self.sequence.__getitem__, i)):
                        return
                # the next epoch begins when all of this one have been used
                while self.queue.unfinished_tasks and not self.stop_signal.is_set():
                    self.stop_signal.wait(0.005)
                if not self.stop_signal.is_set():
                    self.sequence.on_epoch_end()

    def get(self) -> Iterator[Any]:
        """The batches, in order, without end.

        Raises:
          Exception: what making one has raised.
        """
        try:
            while self.is_running():
                batch = self.queue.get().result()
                self.queue.task_done()
                if batch is not None:
                    yield batch
        except Exception:
            self.stop()
            raise


class GeneratorEnqueuer(SequenceEnqueuer):
    """Makes the batches of a generator ahead of time.

    Args:
      sequence: the generator; several threads use it only if it allows that.
      use_multiprocessing: accepted; threads make them in any case.
      random_seed: accepted; without processes there is nothing to seed.
    """

    def __init__(
        self,
        sequence: Iterator[Any],
        use_multiprocessing: bool = False,
        random_seed: int | None = None,
    ) -> None:
        super().__init__(sequence, use_multiprocessing)
        self.random_seed = random_seed

    def _run(self) -> None:
        with ThreadPoolExecutor(max(1, self.workers)) as pool:
            while not self.stop_signal.is_set():
                if not self._put(pool.submit(_next, self.sequence)):
                    return

    def get(self) -> Iterator[Any]:
        """The batches, in order, until the generator ends.

        Raises:
          RuntimeError: several threads have used a generator that cannot be.
          Exception: what making a batch has raised.
        """
        try:
            while self.is_running():
                ended, batch = self.queue.get().result()
                self.queue.task_done()
                if ended:
                    break
                if batch is not None:
                    yield batch
            self.stop()
        except Exception as error:
            self.stop()
            if "generator already executing" in str(error):
                raise RuntimeError(
                    "Your generator is NOT thread-safe. Keras requires a thread-safe "
                    "generator when `use_multiprocessing=False, workers > 1`. "
                ) from error
            raise


def _next(generator: Iterator[Any]) -> tuple[bool, Any]:
    """Whether a generator has ended, and its next batch."""
    try:
        return False, next(generator)
    except StopIteration:
        return True, None


def terminate_keras_multiprocessing_pools(
    grace_period: float = 0.1, use_sigkill: bool = False
) -> list[str]:
    """What went wrong in ending processes that make batches: nothing, as none do.

    Args:
      grace_period, use_sigkill: accepted.
    """
    del grace_period, use_sigkill
    return []
