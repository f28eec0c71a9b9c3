"""Which photos meet in a batch: the plan of an epoch.

A plan is all of an epoch's batches, int64 (batches, batch size), rows of the training photos. It is made whole and
from its name alone (trial, epoch), so that a training resumes anywhere in it and several processes share it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.learn.randomness import numpy_generator

Plan = NDArray[np.int64]


def shuffled(n: int, batch_size: int, trial: int, epoch: int) -> Plan:
    """Every photo once in random order; the remainder that fills no batch is left for other epochs.

    Raises:
        UsageError: there are fewer photos than a batch takes.
    """
    if n < batch_size:
        raise UsageError(f"train.batch_size {batch_size} exceeds the {n} training photos. Choose a smaller one.")
    order = numpy_generator(trial, "shuffle", epoch).permutation(n)
    return order[: n - n % batch_size].reshape(-1, batch_size)


def m_per_class(labels: NDArray[np.int64], batch_size: int, m: int, name: tuple[int, int]) -> Plan:
    """Batches of ``batch_size / m`` landmarks with ``m`` photos each; as many batches as a shuffled epoch has.

    A landmark's photos are dealt in random order, and dealt anew when they are used up, so that no photo comes twice
    in a batch unless its landmark has fewer than ``m``. Landmarks are dealt in the same way.

    Args:
        labels: int64 (n,).
        batch_size: a multiple of m.
        m: photos a landmark.
        name: trial and epoch, which name the plan.

    Raises:
        UsageError: there are fewer landmarks than a batch takes.
    """
    generator = numpy_generator(name[0], "m_per_class", name[1])
    order, per_batch = np.argsort(labels, kind="stable"), batch_size // m
    classes, starts = np.unique(labels[order], return_index=True)
    if len(classes) < per_batch:
        raise UsageError(
            f"A batch of {batch_size} with {m} photos a landmark takes {per_batch} landmarks; there are "
            f"{len(classes)}. Choose a smaller train.batch_size or a larger train.sampler.m."
        )
    members = dict(zip(classes.tolist(), np.split(order, starts[1:]), strict=True))
    left: dict[int, NDArray[np.int64]] = {one: np.empty(0, np.int64) for one in members}
    batches = max(1, len(labels) // batch_size)
    plan = np.empty((batches, per_batch, m), np.int64)
    waiting = np.empty(0, np.int64)
    for batch in plan:
        if len(waiting) < per_batch:
            fresh = generator.permutation(classes)
            again = np.isin(fresh, waiting)  # these wait longest, so that no landmark comes twice in a batch
            waiting = np.concatenate([waiting, fresh[~again], fresh[again]])
        chosen, waiting = waiting[:per_batch], waiting[per_batch:]
        for slot, one in zip(batch, chosen.tolist(), strict=True):
            if len(left[one]) < m:
                left[one] = generator.permutation(np.resize(members[one], max(m, len(members[one]))))
            slot[:], left[one] = left[one][:m], left[one][m:]
    return plan.reshape(batches, batch_size)
