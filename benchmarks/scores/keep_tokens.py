"""What `export --keep_tokens` costs and saves in question answering.

    python benchmarks/scores/keep_tokens.py --model=MODEL --data=dev.json --count=300 \
        --schedules=2:160 1:256,2:160

Files of a fixed length, whole and with each schedule, answer the same questions, spread evenly over
the data. Prints F1 and its change, how many answers are those of the whole file, and the median
milliseconds of one run, on one thread, all files in turns. The clock is the thread's own.
--long takes only questions whose passage has at least so many characters.
"""

import argparse
import dataclasses
import os
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from keras_bert import load
from keras_bert.export.runners import open_tflite
from keras_bert.export.tflite import export_tflite
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.text.padding import TokenizedTexts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="model folder of an answerer")
    parser.add_argument("--data", required=True, help="questions in SQuAD's format")
    parser.add_argument("--schedules", nargs="+", default=["2:160", "1:256,2:160"])
    parser.add_argument("--count", type=int, default=300, help="questions")
    parser.add_argument("--length", type=int, default=384)
    parser.add_argument("--long", type=int, default=0, help="characters of the shortest passage")
    parser.add_argument("--quantize", default="dynamic")
    parser.add_argument("--rounds", type=int, default=40, help="timed runs of each file")
    settings = parser.parse_args()

    bert = load(settings.model)
    examples = _examples(bert.task, settings)
    with tempfile.TemporaryDirectory() as folder:
        runners = {}
        for i, schedule in enumerate([None, *settings.schedules]):
            path = os.path.join(folder, f"{i}.tflite")
            export_tflite(bert, path, settings.length, settings.quantize, keep_tokens=schedule)
            runners[schedule or "all"] = open_tflite(path)
    _show(runners, examples, bert.task, _times(runners, examples, settings))


def _examples(task, settings):
    examples = task.read(settings.data, FileLayout().for_scoring())
    lengths = np.array([len(context) for context in examples.contexts])
    rows = np.flatnonzero(lengths >= settings.long)
    chosen = np.unique(np.linspace(0, len(rows) - 1, settings.count).astype(int))
    return examples.take(rows[chosen])


def _show(runners, examples, task, times):
    whole = None
    print(
        "| tokens kept | F1 | change | same answer | ms | times faster |\n|---|---|---|---|---|---|"
    )
    for name, runner in runners.items():
        rows, outputs = runner.rows_and_outputs(examples)
        answers = runner.answers_of(rows, outputs, examples)
        found = task.scores(answers, examples, runner.config)["f1"], answers, times[name]
        whole = whole or found
        agree = [task.answers_agree(a, b, runner.config) for a, b in zip(whole[1], answers)]
        print(
            f"| {name} | {found[0]:.2f} | {found[0] - whole[0]:+.2f} | {np.mean(agree):.1%} | "
            f"{found[2]:.1f} | {whole[2] / found[2]:.2f} |",
            flush=True,
        )


def _times(runners, examples, settings):
    """Returns the median milliseconds of each runner, and prints how long the rows are."""
    one = next(iter(runners.values()))
    config = dataclasses.replace(one.config, max_length=settings.length)
    encodings = one.task.rows(examples, one.tokenizer, config).encodings
    texts = TokenizedTexts(encodings, settings.length, one.tokenizer.pad_id)
    low, middle, high = np.percentile(texts.lengths, (10, 50, 90))
    print(
        f"{len(examples)} questions, {len(texts)} rows of {settings.length} tokens; real ones: "
        f"median {middle:.0f}, 10th and 90th percentile {low:.0f} and {high:.0f}"
    )
    inputs = texts.batch([int(np.argmax(texts.lengths))], settings.length)
    times = {name: [] for name in runners}
    for round in range(settings.rounds + 3):
        for name, runner in runners.items():
            start = time.thread_time()
            runner.run(inputs)
            if round >= 3:
                times[name].append(1000 * (time.thread_time() - start))
    return {name: float(np.median(values)) for name, values in times.items()}


if __name__ == "__main__":
    main()
