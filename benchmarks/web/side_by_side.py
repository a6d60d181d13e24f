"""Our browser engine beside transformers.js: the same model, page, machine and Chromium.

    python benchmarks/web/side_by_side.py --sentiment=MODEL --answerer=MODEL

Each MODEL is a folder. It is exported twice with int8 weights: as TFLite for our worker (the page
that `make web` builds) and as ONNX for transformers.js, whose newest version npm installs. Both
sides get the same texts in turns, on one WebAssembly thread. Printed for each: bytes to the first
answer, milliseconds to it with an empty and with a filled cache, milliseconds of a sentence of 30
words or of a question whose window has 384 tokens (medians), and the private memory of the page's
process. The bytes of transformers.js's own default models are those of their q8 files.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import tempfile

import keras_bert

HERE = pathlib.Path(__file__).resolve().parent
WEB = HERE.parent.parent / "apps" / "web"
PACKAGES = ("@huggingface/transformers@4.3.2", "playwright-core@1.65.1")
# 30 words.
SENTENCE = (
    "the film begins slowly and takes its time with every face and street , but its last hour is "
    "so warm and so well played that nobody will mind the wait"
)
QUESTION = "Which bridge did the city close for repairs in the spring?"
PASSAGE = (
    "The river runs through the middle of the city, and eleven bridges cross it between the "
    "harbour and the hills. In the spring the council closed the Miller Bridge for repairs, "
    "because two of its piers had sunk by a hand's breadth during the winter floods. Trams were "
    "sent over the Castle Bridge instead, and people who lived on the island had to walk a mile "
    "further to reach the market. The engineers first thought that the work would take six weeks. "
    "They drove steel piles beside each pier, poured new foundations under water, and lifted the "
    "arches with forty jacks, a millimetre at a time. When divers found an older bridge of oak "
    "below the stones, the work was stopped, so that the museum could draw and measure every beam "
    "before it was covered again. Shopkeepers on the island complained that half of their "
    "customers stayed away, and the mayor promised them that no rent would be due for the market "
    "hall until the trams were back. A ferry was hired from the harbour; it carried bicycles free "
    "of charge and ran until midnight."
)
# transformers.js's defaults for the two pipelines, their q8 files on the hub, in megabytes.
DEFAULTS = {"classify": ("DistilBERT, SST-2", 67.6), "ask": ("DistilBERT, SQuAD", 65.8)}
TITLES = {"classify": "a sentence of 30 words", "ask": "a question, one window of 384 tokens"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sentiment", help="model folder of a classifier")
    parser.add_argument("--answerer", help="model folder of an answerer")
    parser.add_argument("--rounds", type=int, default=10, help="turns of each side")
    parser.add_argument("--repeats", type=int, default=5, help="answers in a turn")
    parser.add_argument("--work", help="folder that keeps the files and packages between runs")
    arguments = parser.parse_args()
    folders = {"classify": arguments.sentiment, "ask": arguments.answerer}
    folders = {task: folder for task, folder in folders.items() if folder}
    if not folders:
        parser.error("--sentiment or --answerer is needed")
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(arguments.work or temporary).resolve()
        lines = _run(work, folders, arguments)
    print("\n".join(_table(lines)))


def _run(work, folders, arguments):
    files, packages = work / "files", work / "packages"
    files.mkdir(parents=True, exist_ok=True)
    _install(packages)
    inputs = {"classify": [SENTENCE], "ask": None}
    for task, folder in folders.items():
        bert = keras_bert.load(folder)
        _write_models(files, task, folder, bert)
        if task == "ask":
            inputs["ask"] = [QUESTION, _passage(bert.tokenizer)]
    worker = next((WEB / "dist" / "assets").glob("worker-*.js"))
    (files / "ours.json").write_text(json.dumps({"worker": f"assets/{worker.name}"}))
    plan = {
        "packages": str(packages),
        "dist": str(WEB / "dist"),
        "files": str(files),
        "tasks": list(folders),
        "first": inputs,
        "timed": inputs,
        "rounds": arguments.rounds,
        "repeats": arguments.repeats,
    }
    (work / "plan.json").write_text(json.dumps(plan))
    command = ["node", HERE / "side_by_side.mjs", work / "plan.json"]
    found = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in found.stdout.splitlines()]


def _install(packages):
    if not (WEB / "node_modules").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=WEB, check=True)
    subprocess.run(["npm", "run", "build"], cwd=WEB, check=True, stdout=subprocess.DEVNULL)
    packages.mkdir(exist_ok=True)
    if not (packages / "node_modules" / "@huggingface").exists():
        # Without scripts: those fetch programs for Node, which a browser does not use.
        command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", *PACKAGES]
        subprocess.run([*command, "--prefix", packages], cwd=packages, check=True)


def _write_models(files, task, folder, bert):
    """Writes FILES/TASK.tflite for our worker, and FILES/NAME as transformers.js wants it."""
    theirs = files / {"classify": "sentiment", "ask": "answerer"}[task]
    shutil.rmtree(theirs, ignore_errors=True)
    (theirs / "onnx").mkdir(parents=True)
    flags = {"quantize": "dynamic", "length": "dynamic", "verify": False}
    bert.export(files / f"{task}.tflite", format="tflite", **flags)
    onnx = theirs / "onnx" / "model_quantized.onnx"
    bert.export(onnx, format="onnx", input_names="huggingface", **flags)
    # Only the description and the tokenizer: the network is in the ONNX file.
    encoder = keras_bert.Bert(bert.encoder, bert.tokenizer)
    with tempfile.TemporaryDirectory() as temporary:
        encoder.save(pathlib.Path(temporary) / "encoder")
        keras_bert.convert(
            from_=f"{temporary}/encoder", to="huggingface", output=f"{temporary}/theirs"
        )
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
            shutil.copy(pathlib.Path(temporary) / "theirs" / name, theirs / name)
    config = json.loads((theirs / "config.json").read_text())
    labels = dict(enumerate(bert.config.labels))
    config |= {"model_type": "bert", **({"id2label": labels} if labels else {})}
    (theirs / "config.json").write_text(json.dumps(config))


def _passage(tokenizer):
    """Returns a passage that fills a row of 384 tokens together with the question."""
    words = (f"{PASSAGE} " * 4).split()
    sizes = range(1, len(words))
    fits = [n for n in sizes if _tokens(tokenizer, " ".join(words[:n])) <= 384]
    return " ".join(words[: max(fits)])


def _tokens(tokenizer, passage):
    return len(tokenizer.encode(QUESTION, passage).token_ids)


def _table(lines):
    yield (
        "| | side | MB to the first answer | ms to it, empty cache | filled cache | ms | "
        "memory, MB |"
    )
    yield "|---|---|---|---|---|---|---|"
    found = {}
    for line in lines:
        found[line["task"], line["side"]] = median = statistics.median(line["times"])
        name = {"ours": "keras-bert", "theirs": "transformers.js"}[line["side"]]
        yield (
            f"| {TITLES[line['task']]} | {name} | {line['cold_bytes'] / 1e6:.1f} | "
            f"{line['cold_ms']:.0f} | {line['warm_ms']:.0f} | {median:.1f} | "
            f"{line['memory'] / 1e6:.0f} |"
        )
    yield ""
    for task in dict(found):
        if task[1] == "ours":
            ratio = found[task] / found[task[0], "theirs"]
            model, size = DEFAULTS[task[0]]
            yield (
                f"{TITLES[task[0]]}: {ratio:.2f} times the milliseconds of transformers.js with "
                f"the same model; its own default, {model}, has {size} MB"
            )
    for line in lines:
        yield f"{line['task']}, {line['side']}: {line['answer'][:160]}"


if __name__ == "__main__":
    main()
