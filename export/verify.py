"""The proof that an exported file is as good as its model: same examples through both."""

import numpy as np

from keras_bert.export.benchmark import measure, size_of
from keras_bert.export.runners import KerasRunner
from keras_bert.text.padding import TokenizedTexts


def verify(bert, runner, task, examples, model_path, exported_path, repeats=30):
    """Runs model and exported file over the same labelled examples.

    Args:
        bert: the `Bert` that was exported.
        runner: a `Runner` of the exported file.
        task: `Task`, whose scores are taken; its first metric is the one that may drop.
        examples: labelled examples of it.
        model_path: the model folder, for its size.
        exported_path: the exported file, for its size.
        repeats: timed runs of each, for the latency.

    Returns:
        A dict: `count`; `agreement`, the share of examples with the same answer;
        `max_difference` between outputs, None where the two read the texts in rows of different
        lengths; `model_scores` and `exported_scores`; `metric`, and `drop`, what is lost of it,
        as a share of a perfect score;
        `model_bytes` and `exported_bytes`; `model_ms` and `exported_ms`, median milliseconds for
        one row of median length, of `timed_length` tokens.
    """
    rows, expected = bert.rows_and_outputs(examples)
    found_rows, found = runner.rows_and_outputs(examples)
    answers = task.answers(expected, rows, examples, bert.config)
    found_answers = task.answers(found, found_rows, examples, runner.config)
    model_scores = task.scores(answers, examples, bert.config)
    exported_scores = task.scores(found_answers, examples, runner.config)
    metric = task.metrics(bert.config)[0]

    # Both get the same tokens, padded as the exported file needs them.
    encodings = task.rows(examples, runner.tokenizer, runner.config).encodings
    texts = TokenizedTexts(encodings, runner.config.max_length, runner.tokenizer.pad_id)
    middle = np.argsort(texts.lengths, kind="stable")[len(texts) // 2]
    inputs = texts.batch([middle], runner.fixed_length or int(texts.lengths[middle]))
    times = measure(
        {"model": KerasRunner(bert), "exported": runner},
        {"model": inputs, "exported": inputs},
        repeats,
    )
    same = [
        task.answers_agree(one, other, bert.config)
        for one, other in zip(answers, found_answers, strict=True)
    ]
    return {
        "count": len(examples),
        "agreement": float(np.mean(same)),
        "max_difference": _largest_difference(expected, found),
        "model_scores": model_scores,
        "exported_scores": exported_scores,
        "metric": metric,
        "drop": (model_scores[metric] - exported_scores[metric]) / task.perfect_score,
        "model_bytes": size_of(model_path),
        "exported_bytes": size_of(exported_path),
        "model_ms": times["model"]["median_ms"],
        "exported_ms": times["exported"]["median_ms"],
        "timed_length": int(inputs["token_ids"].shape[1]),
    }


def report_lines(result, metrics):
    """Returns the printed form of what `verify` gives.

    Args:
        result: what `verify` gave.
        metrics: names of the scores to print.
    """
    model, exported = result["model_scores"], result["exported_scores"]
    rows = [("", "model", "exported")]
    rows += [(name, f"{model[name]:.4f}", f"{exported[name]:.4f}") for name in metrics]
    megabytes = [result[f"{which}_bytes"] / 1e6 for which in ("model", "exported")]
    rows.append(("size, MB", *(f"{size:.2f}" for size in megabytes)))
    latency = f"ms a row, {result['timed_length']} tokens"
    rows.append((latency, f"{result['model_ms']:.2f}", f"{result['exported_ms']:.2f}"))
    width = max(len(row[0]) for row in rows)
    difference = result["max_difference"]
    return [
        *(f"{name.ljust(width)}  {a:>10}  {b:>10}" for name, a, b in rows),
        f"same answer on {result['agreement']:.2%} of {result['count']} examples"
        + ("" if difference is None else f"; largest difference of an output {difference:.2e}"),
        f"{result['metric']} lost: {100 * result['drop']:.2f} points",
    ]


def _largest_difference(expected, found):
    largest = 0.0
    for name, values in expected.items():
        if len(values) != len(found[name]):
            return None
        for one, other in zip(values, found[name]):
            if one.shape != other.shape:
                return None
            largest = max(largest, float(np.max(np.abs(one - other), initial=0.0)))
    return largest
