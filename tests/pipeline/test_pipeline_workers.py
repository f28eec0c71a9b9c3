"""Work is spread in order, whatever the number of processes, and a dead worker is an error that says so."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_info

from periplus.errors import CannotRunError
from periplus.pipeline import default_jobs
from periplus.pipeline.workers import workers

AHEAD_PER_WORKER = 4


def scaled(state: int, task: int) -> tuple[int, int]:
    # Early tasks take longest: whoever yields what is ready first breaks the order.
    time.sleep(0.02 if task % 7 == 0 else 0.0)
    return task, state * task


def dying(state: int, task: int) -> int:
    if task == state:
        os._exit(9)
    return task


def process_and_threads(_: None, task: int) -> tuple[int, list[int]]:
    return os.getpid(), [int(library["num_threads"]) for library in threadpool_info()]


@pytest.mark.parametrize("jobs", [0, 1, 2, 3])
def test_outcomes_come_in_the_order_of_the_tasks(jobs: int) -> None:
    with workers(3, scaled, jobs) as spread:
        assert list(spread(range(60))) == [(task, 3 * task) for task in range(60)]
        assert list(spread(range(5))) == [(task, 3 * task) for task in range(5)], "the same workers, again"
        assert list(spread([])) == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_tasks_are_drawn_a_few_ahead_only(jobs: int) -> None:
    drawn = 0

    def tasks() -> Iterator[int]:
        nonlocal drawn
        for task in range(10_000):
            drawn += 1
            yield task

    with workers(1, scaled, jobs) as spread:
        outcomes = spread(tasks())
        for taken in range(1, 11):
            assert next(outcomes)[0] == taken - 1
            assert drawn - taken <= (0 if jobs == 1 else jobs * AHEAD_PER_WORKER)
    assert drawn < 60, "leaving early does not draw the rest"


def test_a_worker_that_dies_is_named() -> None:
    with pytest.raises(CannotRunError, match=r"worker process died.*--jobs"), workers(5, dying, 2) as spread:
        list(spread(range(100)))


def test_each_worker_is_another_process_with_one_thread_a_library() -> None:
    before = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    with workers(None, process_and_threads, 2) as spread:
        found = list(spread(range(40)))
    assert os.getpid() not in {pid for pid, _ in found}
    assert all(threads == [1] * len(threads) and threads for _, threads in found)
    assert {name: os.environ.get(name) for name in before} == before, "the caller's own settings come back"


def test_the_default_is_a_job_a_core_of_this_process() -> None:
    assert default_jobs() == len(os.sched_getaffinity(0)) >= 1
