"""Makes batches in background threads, a few before they are used, in their order."""

import collections
import concurrent.futures

_THREADS = 4
# Enough for the seconds in which a next shard is read, while a device takes many steps a second.
_MOST_BATCHES, _MOST_BYTES = 64, 2**28


def made_ahead(batches, first_step, last_step):
    """Yields batches first_step to last_step - 1; numpy lets several threads work at once.

    Args:
        batches: has `[step]`, which several threads may call, a tuple of dicts of arrays.
        first_step: int.
        last_step: int.

    Raises:
        InputError: as `batches[step]` does, when its turn comes.
    """
    if first_step >= last_step:
        return
    first = batches[first_step]
    size = sum(array.nbytes for part in first for array in part.values())
    most = max(min(_MOST_BATCHES, _MOST_BYTES // size), 2)
    pool = concurrent.futures.ThreadPoolExecutor(_THREADS, thread_name_prefix="batches")
    waiting = collections.deque()
    try:
        yield first
        for step in range(first_step + 1, last_step):
            while len(waiting) < most and step + len(waiting) < last_step:
                waiting.append(pool.submit(batches.__getitem__, step + len(waiting)))
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
