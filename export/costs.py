"""What models cost where they run: latency with one and two threads, cold start, peak memory."""

import contextlib

from keras_bert.export.fresh import FreshProcess
from keras_bert.export.timing import alternating

_THREADS = (1, 2)


def measure_costs(paths, inputs, threads=_THREADS, repeats=30):
    """Measures models, each in a process of its own, in turns.

    Args:
        paths: dict of name to the path of a model folder, or of an exported file that was opened
            here before, which is where a harmful one is found.
        inputs: dict of name to the inputs of that model; see `Predictor.run`.
        threads: numbers of threads.
        repeats: timed runs of each.

    Returns:
        A dict of name to a dict: `latency_ms`, a dict of the median milliseconds by the number of
        threads (a str, as in JSON); `cold_start_ms`, from the first import of the runtime to the
        first answer; `peak_bytes`, the most memory of the process, Python and all. The last two are
        of the first number of threads.
    """
    found = {name: {"latency_ms": {}} for name in paths}
    for number in threads:
        with contextlib.ExitStack() as stack:
            processes = {
                name: stack.enter_context(FreshProcess(path, number, [inputs[name]]))
                for name, path in paths.items()
            }
            times = alternating({name: each.run for name, each in processes.items()}, repeats)
            for name, process in processes.items():
                found[name]["latency_ms"][str(number)] = times[name]["median_ms"]
                found[name].setdefault("cold_start_ms", process.cold_start_ms)
                if "peak_bytes" not in found[name]:
                    found[name]["peak_bytes"] = process.peak_bytes()
    return found
