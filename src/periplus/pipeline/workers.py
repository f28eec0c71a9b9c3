"""Spread work on photos over processes: in order, bounded, one BLAS thread each."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

from threadpoolctl import threadpool_limits

from periplus.errors import CannotRunError

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")
State = TypeVar("State")

_AHEAD_PER_WORKER = 4
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_state: list[object] = []


def default_jobs() -> int:
    """How many workers: the cores that this process may use."""
    return len(os.sched_getaffinity(0))


@contextmanager
def workers(
    state: State, work: Callable[[State, Task], Outcome], jobs: int
) -> Iterator[Callable[[Iterable[Task]], Iterator[Outcome]]]:
    """Yield a function that maps ``work(state, task)`` over tasks, in their order, whatever the number of jobs.

    Args:
        state: sent to each worker once.
        work: a module-level function; it must not raise for one bad photo.
        jobs: processes; 1 works in this one.

    Raises:
        CannotRunError: a worker died (out of memory, as a rule).
    """
    if jobs <= 1:
        with threadpool_limits(1):
            yield lambda tasks: (work(state, task) for task in tasks)
        return
    # A forked child would inherit BLAS and OpenCV threads in unknown states; a spawned one starts clean.
    context = multiprocessing.get_context("spawn")
    with _single_threaded_children():
        pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_start, initargs=(state,))
        try:
            yield lambda tasks: _in_order(pool, work, tasks, jobs * _AHEAD_PER_WORKER)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def told(
    stage: str, outcomes: Iterable[Outcome], total: int, tell: Callable[[str, int, int], None]
) -> Iterator[Outcome]:
    """The outcomes, each told of as it comes."""
    for done, outcome in enumerate(outcomes, 1):
        tell(stage, done, total)
        yield outcome


@contextmanager
def _single_threaded_children() -> Iterator[None]:
    """Children read these variables when their libraries load, before any code of ours could limit them."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C goes to the whole process group; children inherit this mask, so the parent alone decides."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(state: object) -> None:
    _state[:] = [state]
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(work: Callable[[object, Task], Outcome], task: Task) -> Outcome:
    return work(_state[0], task)


def _in_order(
    pool: ProcessPoolExecutor, work: Callable[[State, Task], Outcome], tasks: Iterable[Task], ahead: int
) -> Iterator[Outcome]:
    waiting: deque[Future[Outcome]] = deque()
    try:
        for task in tasks:
            with _interrupts_held():  # the first submits start the workers
                waiting.append(pool.submit(_run, work, task))  # type: ignore[arg-type]
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise CannotRunError(
            "A worker process died: for want of memory (run again with fewer --jobs; what is done is kept), or because "
            "a script starts workers outside of `if __name__ == '__main__':` (put the call there, or use jobs=1)."
        ) from error
