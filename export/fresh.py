"""A model in a process of its own: its cold start, its peak memory, and timed runs of it.

The process opens the file as a program on the device would: for a .tflite file it imports neither
TensorFlow nor Keras. It waits for requests, one JSON object a line, so that several such processes
run in turns:

    {"path": …, "threads": …, "inputs": [{token_ids, segment_ids, padding_mask}, …]}
    {"run": number of the inputs}
    {"peak": true}
"""

import contextlib
import json
import os
import subprocess
import sys
import time

import numpy as np

from keras_bert.errors import InputError

# What limits TensorFlow's threads can be set before it starts only.
_TENSORFLOW_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


class FreshProcess:
    """A model in a process of its own; a context manager, which ends the process.

    Args:
        path: a model folder, or an exported file that this process has opened already.
        threads: of LiteRT, onnxruntime or TensorFlow.
        inputs: list of dicts of the inputs of a model; the first is answered at once.

    Attributes:
        cold_start_ms: float, milliseconds from the first import of a runtime to the first answer.

    Raises:
        InputError: the model cannot be opened or run.
    """

    def __init__(self, path, threads, inputs):
        self._path = os.fspath(path)
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            **{name: str(threads) for name in _TENSORFLOW_THREADS},
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "keras_bert.export.fresh"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        plain = [{name: value.tolist() for name, value in each.items()} for each in inputs]
        try:
            answer = self._ask({"path": self._path, "threads": threads, "inputs": plain})
        except BaseException:
            self.close()
            raise
        self.cold_start_ms = round(answer["cold_start_ms"], 1)

    def run(self, number=0):
        """Runs the model on one of the inputs, twice, and returns the second's milliseconds.

        The first brings the weights back into the processor's caches, where others have been.
        """
        return self._ask({"run": number})["ms"]

    def peak_bytes(self):
        """Returns the most memory that the process has had, Python and all; None if not known."""
        return self._ask({"peak": True})["peak_bytes"]

    def close(self):
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                stream.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def _ask(self, request):
        line = ""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{json.dumps(request)}\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        if not line:
            status = self._process.wait()
            raise InputError(f"ended the process that ran it, with status {status}", None, None,
                             self._path)  # fmt: skip
        answer = json.loads(line)
        if "error" in answer:
            raise InputError(answer["error"])
        return answer


def main():
    """Answers requests on stdin until it is closed."""
    # Libraries print to stdout too: the answers have a place of their own.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    runner, inputs = None, []
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "path" in request:
                start = time.perf_counter()
                inputs = [
                    {name: np.array(value, "int32") for name, value in each.items()}
                    for each in request["inputs"]
                ]
                runner = _opened(request["path"], request["threads"])
                runner.run(inputs[0])
                answer = {"cold_start_ms": 1000 * (time.perf_counter() - start)}
            elif "run" in request:
                runner.run(inputs[request["run"]])
                start = time.perf_counter()
                runner.run(inputs[request["run"]])
                answer = {"ms": 1000 * (time.perf_counter() - start)}
            else:
                answer = {"peak_bytes": peak_memory()}
        except Exception as error:  # whatever a runtime raises is the other process's to report
            answer = {"error": " ".join(f"{error or type(error).__name__}".split())}
        print(json.dumps(answer), file=answers, flush=True)


def peak_memory():
    """Returns the most bytes of memory that this process has had; None where it is not known."""
    # Not getrusage's number: a new program in a process inherits that of the one before it.
    with contextlib.suppress(OSError), open("/proc/self/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    return None


def _opened(path, threads):
    from keras_bert.export.runners import KerasRunner, is_exported, open_exported

    if is_exported(path):
        return open_exported(path, threads, is_tried=True)
    from keras_bert.embedder import usual_embedder_of
    from keras_bert.opening import load_bert, require_task

    return KerasRunner(require_task(load_bert(path), path, usual_embedder_of))


if __name__ == "__main__":
    main()
