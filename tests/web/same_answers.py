"""Asks Python's LiteRT and the page's worker in Chromium the same, and lists what differs.

    python tests/web/same_answers.py --ask=answerer.tflite --questions=dev.json.gz \\
        --classify=sentiment.tflite --sentences=dev.tsv --tag=tagger.tflite --tagged=dev.conll

Each model is optional. Asked are 100 questions, 200 sentences and 100 sentences to tag, evenly
taken from the files, or --count=N of each. The page is built first. Prints a line for each
difference, and one JSON object at the end; the exit status is 1 if an answer differs.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).parent
# As setup.cfg has it for pytest.
sys.path[:0] = [str(FOLDER.parent), str(FOLDER.parents[1] / "apps" / "arm")]

from environments import ROOT, build_page  # noqa: E402

from keras_bert.export.runners import TFLiteRunner  # noqa: E402
from keras_bert.tasks.file_layout import FileLayout  # noqa: E402

SCRIPT = FOLDER / "ask_worker.mjs"
SECONDS = 1800


def questions_of(examples):
    return list(zip(examples.questions, examples.contexts))


def sentences_of(examples):
    return [(text,) for text in examples.texts]


def running_texts_of(examples):
    """Returns sentences as running text: the page splits it into words itself, as Python does."""
    texts = examples.texts or [None] * len(examples)
    return [(text or " ".join(words),) for text, words in zip(texts, examples.words)]


def place(text, index):
    """Returns a place in characters as one in JavaScript's units."""
    return len(text[:index].encode("utf-16-le", "surrogatepass")) // 2


class Part:
    """What is asked of one model.

    Args:
        slot: its name in the page.
        count: how many examples by default.
        texts_of: function from examples to a list of tuples, what is asked.
        request: function from such a tuple to a message to the worker.
        expected, found: functions from (answer, tuple) of Python, of the worker, to what must be
            equal, and the probability of it.
    """

    def __init__(self, slot, count, texts_of, request, expected, found):
        self.slot, self.count, self.texts_of = slot, count, texts_of
        self.request, self.expected, self.found = request, expected, found

    def compare(self, model, data, count):
        """Returns the counts, and prints each difference."""
        runner = TFLiteRunner(model)
        examples = runner.task.read(data, FileLayout(), labelled=False)
        texts = self.texts_of(examples)
        step = max(len(texts) // count, 1)
        texts = texts[::step][:count]
        load = {"kind": "load", "slot": self.slot, "path": str(pathlib.Path(model).resolve())}
        asked = [[self.request(*each), {"kind": "wait"}] for each in texts]
        loaded, *replies = ask([load, {"kind": "wait"}, *sum(asked, [])])
        if loaded["kind"] != "loaded":
            sys.exit(f"{model}: {loaded['message']}")
        different, largest = 0, 0.0
        for each, reply in zip(texts, replies, strict=True):
            expected, sure = self.expected(runner.predict(*each), each)
            if reply["kind"] == "error":
                found, also_sure = reply["message"], 0.0
            else:
                found, also_sure = self.found(reply["result"], each)
            largest = max(largest, abs(sure - also_sure))
            if found != expected:
                different += 1
                print(f"{self.slot}: {each[0]!r:.80}: Python {expected}, {sure:.4f}; "
                      f"page {found}, {also_sure:.4f}")  # fmt: skip
        return {
            "asked": len(texts), "different": different, "largest_difference": round(largest, 6),
            "accelerator": loaded["info"]["accelerator"],
        }  # fmt: skip


def ask(requests):
    """Sends requests to the built worker; returns its replies."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "requests.json"
        path.write_text(json.dumps(requests), encoding="utf-8")
        command = ["node", SCRIPT, ROOT / "apps" / "web", path]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=SECONDS)
    done.check_returncode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def lowest(values):
    return min(values, default=1.0)


PARTS = {
    "questions": Part(
        "ask", 100, questions_of,
        lambda question, passage: {"kind": "answer", "question": question, "passage": passage},
        lambda answer, each: (
            [answer["text"], *(place(each[1], answer[name]) for name in ("start", "end"))],
            answer["probability"],
        ),
        lambda result, each: (
            [result["best"][name] for name in ("text", "start", "end")],
            result["best"]["probability"],
        ),
    ),
    "sentences": Part(
        "classify", 200, sentences_of,
        lambda text: {"kind": "classify", "text": text},
        lambda answer, each: (answer["label"], answer["probability"]),
        lambda result, each: (
            result["labels"][0]["label"], result["labels"][0]["probability"],
        ),
    ),
    "tagged": Part(
        "tag", 100, running_texts_of,
        lambda text: {"kind": "tag", "text": text},
        lambda answer, each: (
            list(map(list, zip(answer["words"], answer["tags"]))),
            lowest(entity["probability"] for entity in answer.get("entities", ())),
        ),
        lambda result, each: (
            [[word["text"], word["tag"]] for word in result["words"]],
            lowest(entity["probability"] for entity in result["entities"]),
        ),
    ),
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for data, part in PARTS.items():
        parser.add_argument(f"--{part.slot}", help="the .tflite file")
        parser.add_argument(f"--{data}", help="its data, as its task reads it")
    parser.add_argument("--count", type=int, help="examples of each file")
    arguments = parser.parse_args()
    build_page()
    found = {}
    for data, part in PARTS.items():
        model, path = getattr(arguments, part.slot), getattr(arguments, data)
        if bool(model) != bool(path):
            parser.error(f"--{part.slot} and --{data} go together")
        if model:
            found[part.slot] = part.compare(model, path, arguments.count or part.count)
    print(json.dumps(found))
    return int(any(each["different"] for each in found.values()))


if __name__ == "__main__":
    sys.exit(main())
