"""Reads damaged files, one case after another, and reports what was not a refusal in one line.

The name of a case is written before it is read, so that whoever reads the output knows which one
ended the process, and the output of a case never depends on the cases before it.
"""

import contextlib
import gc
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings

import model_readers
import mutations
import text_readers

from keras_bert.errors import InputError

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

MOST_SECONDS, MOST_BYTES = 10, 2**30
# What the process may take beyond what it has: a case that asks for more is a find, too.
_HARD_LIMIT = 6 * 2**30


def main(seeds, reader, first, count):
    model_readers.SEEDS = seeds
    warnings.simplefilter("ignore")
    _silence()
    with tempfile.TemporaryDirectory(
        dir="/dev/shm" if os.path.isdir("/dev/shm") else None
    ) as folder:
        prepare = _of_text if reader in text_readers.READERS else _of_folder
        damage, read = prepare(reader, os.path.join(folder, "case"))
        for _ in range(2):  # whole files are read; what is loaded at the first use is there then
            damage(None)
            with contextlib.suppress(InputError):
                read()
        _limit()
        for seed in range(first, first + count):
            report(f"begin {seed}")
            damage(random.Random(f"{reader}:{seed}"))
            report(f"end {seed} {_outcome(read)}")


def _outcome(read):
    _reset_peak()
    before, start = _memory("VmHWM"), time.perf_counter()
    try:
        read()
        what = "read"
    except InputError as error:
        what = "refused" if "\n" not in str(error) else f"FIND lines {str(error)!r:.200}"
    except Exception as error:
        what = f"FIND {_name(error)}"
    seconds, taken = time.perf_counter() - start, _memory("VmHWM") - before
    if seconds > MOST_SECONDS:
        what = f"FIND slow {seconds:.0f} s"
    if taken > MOST_BYTES:
        what = f"FIND memory {taken / 2**30:.1f} GiB"
        gc.collect()
    return what


def _name(error):
    """Returns an exception's type, message and the last place of ours that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/tests/fuzz/" not in frame.filename]
    ours = [
        f for f in ours if "site-packages" not in f.filename and "/lib/python" not in f.filename
    ]
    place = f"{os.path.relpath(ours[-1].filename)}:{ours[-1].lineno}" if ours else "?"
    return f"{type(error).__name__} at {place}: {' '.join(str(error).split())[:160]}"


def _of_text(reader, folder):
    file, content, kinds, function = text_readers.READERS[reader]
    os.makedirs(folder)
    path = os.path.join(folder, file)

    def damage(rng):
        _write(path, content if rng is None else mutations.mutated(rng, content, kinds))

    return damage, lambda: function(path)


def _of_folder(reader, folder):
    seed, endings, function = model_readers.READERS[reader]
    shutil.copytree(os.path.join(model_readers.SEEDS, seed), folder)
    contents = {}
    for root, _, names in os.walk(folder):
        for name in sorted(names):
            with open(os.path.join(root, name), "rb") as file:
                contents[os.path.join(root, name)] = file.read()
    # A file whose ending is named twice is damaged twice as often.
    chosen = [path for ending in endings for path in sorted(contents) if path.endswith(ending)]
    changed = set()

    def damage(rng):
        for path in changed:
            _write(path, contents[path])
        changed.clear()
        for _ in range(0 if rng is None else rng.choice((1, 1, 1, 2))):
            path = rng.choice(chosen)
            kinds = model_readers.kinds_of(path)
            _write(path, mutations.mutated(rng, contents[path], kinds))
            changed.add(path)

    return damage, lambda: function(folder)


def _write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def report(line):
    os.write(_out, (line + "\n").encode("utf-8", "backslashreplace"))


def _silence():
    """Keeps what runtimes print out of the report."""
    global _out
    _out = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    if not os.environ.get("FUZZ_VERBOSE"):
        os.dup2(nowhere, 2)


def _limit():
    limit = _memory("VmSize") + _HARD_LIMIT
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * 2**30, 2 * 2**30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _reset_peak():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def _memory(name):
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
