"""The work of `prepare` as one Apache Beam pipeline: files, blocks, shards.

    each file:   check, find documents                    -> pieces; all of them -> blocks
    each block:  tokenize, make pairs, spill by shard     -> counts; all of them -> shards
    each shard:  gather, shuffle, pack, write             -> counts; all of them -> the result

Only descriptions and counts go through Beam. Text and tokens go through files of the work folder,
so no runner has to hold the corpus, and a worker holds one block or one shard. A file's pieces and
an example's shard depend on the corpus and the seed alone, so the records have the same bytes with
every runner and every number of workers. A task that is run twice writes the same file.
"""

import contextlib
import errno
import json
import logging
import os
import pathlib
import shlex
import threading
import time

from keras_bert.errors import InputError, name_of
from keras_bert.pretraining.blocks import work_on_block
from keras_bert.pretraining.corpus import make_blocks, scan
from keras_bert.pretraining.shards import work_on_shard
from keras_bert.pretraining.worker import command, kill_workers

# The default and the largest text of a shard: a worker needs about as much memory.
_SHARD_BYTES, _LARGEST_SHARD_BYTES = 32 * 2**20, 2**30
PLAN, RESULT = "plan.json", "result.json"
_LONGEST_COMPLAINT = 500
_POLL_SECONDS, _PATIENCE_SECONDS = 0.1, 30


def run_pipeline(files, shards, settings, workers=1, runner=None, beam_options=""):
    """Makes the shards of a records folder.

    Args:
        files: list of str, the corpus.
        shards: int, or None for a number that suits the size of the corpus.
        settings: Settings; `folder` must hold vocab.txt, `work` must be empty. On a cluster both
            and the corpus must be on a file system that all machines share.
        workers: int, processes on this machine; not used with `runner`.
        runner: str, the name of a Beam runner, or None for this machine.
        beam_options: str, options for the runner, as on a command line.

    Returns:
        dict with `blocks` and `shards`, lists of the results of `work_on_block` and
        `work_on_shard`.

    Raises:
        InputError: the first of the corpus's errors, in the order of its files.
    """
    with _environment(), _logged_from(logging.ERROR):
        import apache_beam as beam

        if runner is not None:
            _run_elsewhere(beam, files, shards, settings, runner, beam_options)
        else:
            _run_here(beam, files, shards, settings, workers)
    try:
        with open(os.path.join(settings.work, RESULT), encoding="utf-8") as file:
            result = json.load(file)
    except FileNotFoundError:
        raise InputError(
            "ended without a result: its machines must share this file system", "runner", runner
        ) from None
    if "error" in result:
        raise InputError(result["error"])
    if "errno" in result:
        number = result["errno"]
        full = number in (errno.ENOSPC, errno.EDQUOT)
        raise OSError(number, "the disk is full" if full else os.strerror(number), result["file"])
    return result


def _build(beam, pipeline, files, shards, settings):
    (
        pipeline
        | "files" >> beam.Create(list(enumerate(files)))
        | "spread files" >> beam.Reshuffle()
        | "scan" >> beam.Map(_guarded, _scan, settings)
        | "all pieces" >> beam.combiners.ToList()
        | "plan blocks" >> beam.FlatMap(_plan_blocks, shards, settings)
        | "spread blocks" >> beam.Reshuffle()
        | "work on blocks" >> beam.Map(_guarded, _block, settings)
        | "all blocks" >> beam.combiners.ToList()
        | "plan shards" >> beam.FlatMap(_plan_shards)
        | "spread shards" >> beam.Reshuffle()
        | "work on shards" >> beam.Map(_guarded, _shard, settings)
        | "all shards" >> beam.combiners.ToList()
        | "write the result" >> beam.Map(_write_result, settings)
    )


def _guarded(task, work, settings):
    """Runs a task; bad input becomes a result, not an exception.

    A runner would add its own text to an exception, or report only its name.
    """
    if isinstance(task, dict):
        return task  # a failure, or a result, that is passed through
    try:
        return work(*task, settings)
    except InputError as error:
        return {"index": task[0], "error": str(error)}
    except OSError as error:
        if error.errno is None:
            raise
        return {"index": task[0], "errno": error.errno, "file": error.filename}


def _scan(index, path, settings):
    copy = os.path.join(settings.work, f"file-{index:06d}")
    pieces = scan(path, copy, settings.block_bytes, settings.max_document_characters)
    return {"index": index, "pieces": pieces}


def _block(index, pieces, shards, settings):
    counts = work_on_block(index, pieces, shards, settings)
    return {"index": index, "shards": shards, **counts}


def _shard(index, shards, blocks, settings):
    return {"index": index, **work_on_shard(index, shards, blocks, settings)}


def _failure(results):
    """Returns the failure of the lowest index, or None."""
    failed = [result for result in results if "error" in result or "errno" in result]
    return min(failed, key=lambda result: result["index"], default=None)


def _plan_blocks(scanned, shards, settings):
    if failure := _failure(scanned):
        return [failure]
    scanned = sorted(scanned, key=lambda result: result["index"])
    pieces = [piece for result in scanned for piece in result["pieces"]]
    documents = sum(piece.documents for piece in pieces)
    if not pieces:
        return [{"index": 0, "error": "the corpus is empty: no file of it has a document"}]
    if documents < 2 and settings.pair == "nsp":
        what = (
            f"{name_of('pair', 'nsp')} needs two documents or more, the corpus has one: put blank "
            f"lines between documents, or use {name_of('pair', 'sop')} or {name_of('pair', 'none')}"
        )
        return [{"index": 0, "error": what}]
    size = sum(piece.end - piece.start for piece in pieces) * settings.dupe_factor
    shards = shards or -(-size // _SHARD_BYTES)
    if size // shards > _LARGEST_SHARD_BYTES:
        fewest = -(-size // _LARGEST_SHARD_BYTES)
        name = name_of("shards", shards)
        what = f"{name}: a shard would not fit in memory, use {fewest:,} or more"
        return [{"index": 0, "error": what}]
    blocks = make_blocks(pieces, settings.block_bytes)
    plan = {"blocks": [sum(piece.documents for piece in block) for block in blocks]}
    plan["shards"] = shards
    _write_json(settings.work, PLAN, plan)
    return [(index, block, shards) for index, block in enumerate(blocks)]


def _plan_shards(blocks):
    if failure := _failure(blocks):
        return [failure]
    blocks = sorted(blocks, key=lambda result: result["index"])
    shards = blocks[0]["shards"]
    done = {"index": -1, "blocks": blocks}
    return [done, *((index, shards, len(blocks)) for index in range(shards))]


def _write_result(results, settings):
    result = _failure(results)
    if result is None:
        done, *shards = sorted(results, key=lambda result: result["index"])
        result = {"blocks": done["blocks"], "shards": shards}
    _write_json(settings.work, RESULT, result)


def _write_json(folder, name, value):
    path = os.path.join(folder, name)
    with open(f"{path}.part", "w", encoding="utf-8") as file:
        json.dump(value, file)
    os.replace(f"{path}.part", path)


def _run_elsewhere(beam, files, shards, settings, runner, beam_options):
    """Runs the pipeline on the runner that the user chose; its errors become one line."""
    from apache_beam.options.pipeline_options import PipelineOptions

    try:
        options = PipelineOptions(shlex.split(beam_options))
        pipeline = beam.Pipeline(runner=runner, options=options)
        _build(beam, pipeline, files, shards, settings)
        pipeline.run().wait_until_finish()
    except SystemExit:  # of the option parser, which has printed the reason
        raise InputError("not understood by Beam", "beam_options", beam_options) from None
    except Exception as error:
        what = " ".join(str(error).split())[:_LONGEST_COMPLAINT]
        raise InputError(f"{type(error).__name__}: {what}", "runner", runner) from error


def _run_here(beam, files, shards, settings, workers):
    """Runs the pipeline in this process, or in several others."""
    from apache_beam.options.pipeline_options import PipelineOptions

    # Not "DirectRunner": it may download a program to run the pipeline.
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    from apache_beam.transforms.environments import SubprocessSDKEnvironment

    environment = None
    if workers > 1:
        environment = SubprocessSDKEnvironment.from_command_string(command(settings.work))
    options = PipelineOptions([f"--direct_num_workers={workers}"])
    pipeline = beam.Pipeline(runner=FnApiRunner(environment), options=options)
    _build(beam, pipeline, files, shards, settings)
    if workers == 1:
        pipeline.run().wait_until_finish()
    else:
        _run_on_workers(pipeline, settings.work)


def _run_on_workers(pipeline, work):
    """Runs the pipeline so that Ctrl-C ends it, and the death of a worker is one line."""
    failures = []

    def target():
        try:
            pipeline.run().wait_until_finish()
        except BaseException as error:
            failures.append(error)

    hook, others = threading.excepthook, set(threading.enumerate())
    # After a worker has died, each of Beam's threads would print a traceback.
    threading.excepthook = lambda *_: None
    thread = threading.Thread(target=target, daemon=True)
    try:
        with _logged_from(logging.CRITICAL):
            thread.start()
            while thread.is_alive():
                thread.join(_POLL_SECONDS)
    except BaseException:
        # Beam itself would wait for the workers' current tasks.
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while thread.is_alive() and time.monotonic() < deadline:
            kill_workers(work)
            thread.join(_POLL_SECONDS)
        raise
    finally:
        kill_workers(work)
        # Some of Beam's threads may still fail after this function returns.
        beams = set(threading.enumerate()) - others
        threading.excepthook = lambda args: None if args.thread in beams else hook(args)
    if not failures:
        threading.excepthook = hook
        return
    if "Channel closed prematurely" in str(failures[0]):
        raise InputError(
            "a worker process was killed, most likely because memory ran out: use fewer "
            f"{name_of('workers')}"
        )
    raise failures[0]


@contextlib.contextmanager
def _logged_from(level):
    before = logging.root.manager.disable
    logging.disable(level - 1)
    try:
        yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def _environment():
    """Sets what the worker processes inherit."""
    package = str(pathlib.Path(__file__).parents[2])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    # The processes share the cores; more threads in each would only compete for them.
    wanted = {"PYTHONPATH": os.pathsep.join(paths), "TOKENIZERS_PARALLELISM": "false"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
