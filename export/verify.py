"""The proof that an exported file is as good as its model: same texts through both."""

import numpy as np

from export.benchmark import measure, size_of
from export.runners import KerasRunner
from keras_bert.tasks import classification


def verify(bert, runner, examples, model_path, exported_path, repeats=30):
    """Runs model and exported file over the same labelled texts.

    Args:
        bert: the `Bert` that was exported.
        runner: a `Runner` of the exported file.
        examples: labelled `Examples`.
        model_path: the model folder, for its size.
        exported_path: the exported file, for its size.
        repeats: timed runs of each, for the latency.

    Returns:
        A dict: `count`; `agreement`, the share of texts with the same answer; `max_difference`
        between probabilities; `model_scores` and `exported_scores`; `drop`, the accuracy lost;
        `model_bytes` and `exported_bytes`; `model_ms` and `exported_ms`, median milliseconds for
        one text of median length.
    """
    labels = bert.config.labels
    true_ids = classification.label_ids(examples, labels)
    expected = bert.probabilities(examples.texts, examples.texts_b)
    found = runner.probabilities(examples.texts, examples.texts_b)
    expected_ids, found_ids = expected.argmax(axis=-1), found.argmax(axis=-1)
    model_scores = classification.scores(true_ids, expected_ids, labels)
    exported_scores = classification.scores(true_ids, found_ids, labels)

    middle = int(np.argsort([len(text) for text in examples.texts])[len(examples) // 2])
    text = (examples.texts[middle], examples.texts_b[middle] if examples.texts_b else None)
    # Both get the same tokens, padded as the exported file needs them.
    inputs = runner.inputs(*text)
    times = measure(
        {"model": KerasRunner(bert), "exported": runner},
        {"model": inputs, "exported": inputs},
        repeats,
    )
    return {
        "count": len(examples),
        "agreement": float(np.mean(expected_ids == found_ids)),
        "max_difference": float(np.max(np.abs(expected - found))),
        "model_scores": model_scores,
        "exported_scores": exported_scores,
        "drop": model_scores["accuracy"] - exported_scores["accuracy"],
        "model_bytes": size_of(model_path),
        "exported_bytes": size_of(exported_path),
        "model_ms": times["model"]["median_ms"],
        "exported_ms": times["exported"]["median_ms"],
        "timed_length": int(inputs["token_ids"].shape[1]),
    }


def report_lines(result):
    """Returns the printed form of what `verify` gives."""
    model, exported = result["model_scores"], result["exported_scores"]
    rows = [("", "model", "exported")]
    rows += [
        (name, f"{model[name]:.4f}", f"{exported[name]:.4f}") for name in classification.METRICS
    ]
    megabytes = [result[f"{which}_bytes"] / 1e6 for which in ("model", "exported")]
    rows.append(("size, MB", *(f"{size:.2f}" for size in megabytes)))
    latency = f"ms a text, {result['timed_length']} tokens"
    rows.append((latency, f"{result['model_ms']:.2f}", f"{result['exported_ms']:.2f}"))
    width = max(len(row[0]) for row in rows)
    return [
        *(f"{name.ljust(width)}  {a:>10}  {b:>10}" for name, a, b in rows),
        f"same answer on {result['agreement']:.2%} of {result['count']} texts; "
        f"largest difference of a probability {result['max_difference']:.2e}",
        f"accuracy lost: {100 * result['drop']:.2f} points",
    ]
