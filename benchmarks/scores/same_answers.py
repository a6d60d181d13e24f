"""The same questions to one model in each place: Keras, `keras-bert-device`, an emulated ARM.

    python benchmarks/scores/same_answers.py \\
        --answer=answerer.tflite,dev-v2.0.json --classify=sentiment,dev.tsv \\
        --tag=tagger.tflite,dev.conll \\
        --keras=answerer_model,sentiment_model,tagger_model --arm=.arm --output=answers.json

Each pair is a .tflite file, or a shipped one's name, and a data file of its task. 100 questions of
20 passages, 200 sentences and 100 sentences to tag are taken, evenly spread over the file. The
answers of `keras-bert-device` on this processor are what the others are compared with: label, tags,
or the answer's text and place. --keras names the model folders that the files were exported from,
in the order answer, classify, tag (nothing between the commas for one that is not here); their
answers may differ where the file is quantized. --arm is the folder of the emulated system, see
`apps/arm`. --output writes the questions and the answers as JSON, so that another program can be
compared with them.

Prints each difference, then a table. Exits with 1 if one is between the two processors.
"""

import argparse
import json
import pathlib
import sys

import numpy as np

import keras_bert
from keras_bert.errors import InputError
from keras_bert.guesses import guesses_are_notes
from keras_bert.opening import open_with_examples
from keras_bert.quiet import import_tensorflow_quietly
from keras_bert.shipped import located

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "apps" / "arm"))
import machine  # noqa: E402
import programs  # noqa: E402

COUNTS = {"answer": 100, "classify": 200, "tag": 100}
_QUESTIONS_A_PASSAGE = 5
_DEVICE, _ARM, _KERAS = "keras-bert-device", "64-bit ARM, emulated", "Keras"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for verb in COUNTS:
        parser.add_argument(f"--{verb}", metavar="FILE.tflite,DATA")
    parser.add_argument("--keras", metavar="FOLDER,…", default="")
    parser.add_argument("--arm", metavar="FOLDER")
    parser.add_argument("--output", metavar="FILE.json")
    arguments = parser.parse_args()
    try:
        with guesses_are_notes():
            sys.exit(run(arguments))
    except (InputError, machine.CannotMake, programs.Failed) as error:
        print(f"same_answers: {error}", file=sys.stderr)
        sys.exit(2)


def run(arguments):
    """Asks, compares and prints; returns the exit status."""
    asked = {}
    for verb in COUNTS:
        if (pair := getattr(arguments, verb)) is None:
            continue
        if len(pair := pair.split(",")) != 2:
            raise InputError(f"--{verb}: expected FILE.tflite,DATA")
        asked[verb] = (located(pair[0]), pair[1])
    folders = arguments.keras.split(",") if arguments.keras else []
    if not asked or len(folders) not in (0, len(asked)):
        raise InputError("give some of --answer --classify --tag, and a folder for each in --keras")
    calls = {verb: calls_of(verb, *pair) for verb, pair in asked.items()}
    answers = {_DEVICE: _of_program(programs.here(), calls)}
    if folders:
        answers[_KERAS] = {
            verb: _of_keras(folder, calls[verb]) for verb, folder in zip(calls, folders) if folder
        }
    if arguments.arm:
        answers[_ARM] = _of_program(programs.on_arm(pathlib.Path(arguments.arm).resolve()), calls)
    if arguments.output:
        content = json.dumps({"calls": calls, "answers": answers}, indent=1)
        pathlib.Path(arguments.output).write_text(content + "\n")
    return report(calls, answers)


def calls_of(verb, path, data):
    """Returns what a model is asked: a list of calls, see `programs.Program.ask`.

    Args:
        verb: "answer", "classify" or "tag".
        path: the .tflite file.
        data: a data file of its task; labels are not needed.
    """
    examples = open_with_examples(path, data, labelled=False)[2]
    flag, count = f"--model={pathlib.Path(path).resolve()}", COUNTS[verb]
    if verb == "answer":
        by_passage = {}
        for question, passage in zip(examples.questions, examples.contexts):
            by_passage.setdefault(passage, []).append(_one_line(question))
        passages = _spread(list(by_passage), count // _QUESTIONS_A_PASSAGE)
        return [
            ([verb, flag, f"--passage_text={p}"], by_passage[p][:_QUESTIONS_A_PASSAGE])
            for p in passages
        ]
    words = getattr(examples, "words", None)
    texts = [" ".join(each) for each in words] if verb == "tag" else examples.texts
    return [([verb, flag], [_one_line(text) for text in _spread(list(texts), count)])]


def _one_line(text):
    return " ".join(text.split())


def _spread(values, count):
    if len(values) <= count:
        return values
    return [values[i] for i in np.linspace(0, len(values) - 1, count).round().astype(int)]


def _of_program(program, calls):
    """Returns a dict of the verbs to lists of answers."""
    flat = [call for each in calls.values() for call in each]
    found = iter(program.ask(flat))
    return {verb: [a for _ in each for a in next(found)] for verb, each in calls.items()}


def _of_keras(folder, calls):
    """Returns the answers of a model folder, as JSON has them."""
    import_tensorflow_quietly()
    bert, answers = keras_bert.load(folder), []
    for (verb, _, *passage), texts in calls:
        contexts = [passage[0].partition("=")[2]] * len(texts) if verb == "answer" else None
        # As the program prints a text beside its label.
        found = zip(texts, bert.predict(texts, contexts))
        answers += [{"text": text, **answer} for text, answer in found]
    return json.loads(json.dumps(answers))


def report(calls, answers):
    """Prints what differs from `keras-bert-device` here, and a table; returns the exit status."""
    texts = {verb: [text for _, part in each for text in part] for verb, each in calls.items()}
    lines, status = [], 0
    for place, of_place in answers.items():
        cells = []
        for verb in calls:
            if verb not in of_place:
                cells.append("not asked")
                continue
            expected, largest, same = answers[_DEVICE][verb], 0.0, 0
            for text, a, b in zip(texts[verb], of_place[verb], expected, strict=True):
                # Where the label or the place is another, so are the numbers.
                different, gap = programs.differences(a, b, tolerance=np.inf)
                same += not different
                largest = largest if different else max(largest, gap)
                for line in different:
                    print(f"{place}: {verb}: {text!r:.100}: {line}")
            cells.append(f"{same} of {len(expected)}, {largest:.0e}")
            status |= place == _ARM and same < len(expected)
        lines.append(f"| {place} | {' | '.join(cells)} |")
    print(f"| the same answers, and the largest difference of numbers | {' | '.join(calls)} |")
    print("|---" * (len(calls) + 1) + "|")
    print("\n".join(lines))
    return int(status)


if __name__ == "__main__":
    main()
