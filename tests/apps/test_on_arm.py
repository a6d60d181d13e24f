"""`keras-bert-device` here and on an emulated 64-bit ARM processor: the same answers."""

import subprocess
import sys

import programs
import pytest
from environments import ROOT, arm_folder, make_arm_machine
from task_models import asked_of, make_bert, passage

from keras_bert.export.tflite import export_tflite

SENTIMENT = ROOT / "apps" / "models" / "sentiment" / "sentiment.tflite"
ANSWER = {
    "text": "London", "start": 3, "end": 9, "probability": 0.9, "milliseconds": 3.0,
    "n_best": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "names", "largest"),
    [
        ({}, [], 0.0),
        ({"milliseconds": 900.0}, [], 0.0),
        ({"probability": 0.9005}, [], 0.0005),
        ({"probability": 0.902}, ["probability"], 0.002),
        ({"text": "london"}, ["text"], 0.0),
        ({"start": 4}, ["start"], 0.0),
        ({"end": 9.0}, ["end"], 0.0),
        ({"tags": ["O"]}, ["tags"], 0.0),
    ],
)
def test_what_is_a_difference(change, names, largest):
    found, gap = programs.differences({**ANSWER, **change}, ANSWER)
    assert [line.split(":")[0] for line in found] == names
    assert gap == pytest.approx(largest)


def test_numbers_inside_are_compared_too():
    tagged = {"tags": ["B-PER"], "entities": [{"type": "PER", "start": 0, "probability": 0.8}]}
    for change, count in ({"probability": 0.8004}, 0), ({"probability": 0.9}, 1), ({"start": 1}, 1):
        other = {**tagged, "entities": [{**tagged["entities"][0], **change}]}
        assert len(programs.differences(other, tagged)[0]) == count
    a, b = ({"probabilities": {"x": p, "y": 1 - p}} for p in (0.3, 0.3009))
    assert programs.differences(a, b)[0] == []
    del b["probabilities"]["y"]
    assert len(programs.differences(a, b)[0]) == 1
    assert len(programs.differences({"label": "a"}, {})[0]) == 1


def test_the_program_is_asked_several_times_in_one_process():
    call = ["classify", f"--model={SENTIMENT}"]
    calls = [(call, ["so good", "café \u2603"]), (call, ["so bad"])]
    found = programs.here().ask(calls)
    assert [[each["text"] for each in part] for part in found] == [texts for _, texts in calls]
    assert [part[0]["label"] for part in found] == ["positive", "negative"]
    with pytest.raises(programs.Failed, match="^classify: none.tflite: no such file$"):
        programs.here().ask([(["classify", "--model=none.tflite"], ["a"])])


@pytest.mark.slow
def test_answers_are_the_same_on_arm(tmp_path_factory):
    folder = arm_folder(tmp_path_factory)
    make_arm_machine(folder)
    models = tmp_path_factory.mktemp("models")
    sentences = asked_of("tagging")[0][-6:]
    calls = [(["classify", f"--model={SENTIMENT}"], ["so good", "an awful plot", "Café 北京 🙂"])]
    for kind, verb, texts in (
        ("question_answering", "answer", asked_of("question_answering")[0][:5]),
        ("tagging", "tag", [" ".join(text.split()) for text in sentences]),
        ("regression", "classify", sentences[:2]),
    ):
        path = models / f"{kind}.tflite"
        export_tflite(make_bert(kind), path, quantize="none" if verb == "tag" else "dynamic")
        arguments = [verb, f"--model={path}"]
        if verb == "answer":
            (models / "passage.txt").write_text("\n".join(passage(4, seed=i) for i in range(3)))
            arguments.append(f"--passage={models / 'passage.txt'}")
        calls.append((arguments, texts))
    here = programs.here()
    arm = programs.on_arm(folder)
    which = "import platform; print(platform.machine())"
    found = subprocess.run([*arm.python, "-c", which], capture_output=True, text=True)
    assert found.stdout == "aarch64\n"
    expected, found = here.ask(calls), arm.ask(calls)
    for (arguments, texts), *answers in zip(calls, expected, found, strict=True):
        assert len(answers[0]) == len(texts)
        # The shipped file has six layers of 4 bits: on one of its texts 0.003 were seen.
        is_small = str(SENTIMENT) not in arguments[1]
        tolerance = programs.TOLERANCE if is_small else 1e-2
        for text, a, b in zip(texts, *answers, strict=True):
            assert programs.differences(b, a, tolerance)[0] == [], text


@pytest.mark.slow
def test_a_user_compares_a_model(tmp_path_factory):
    folder = arm_folder(tmp_path_factory)
    make_arm_machine(folder)
    script = [sys.executable, str(ROOT / "apps" / "arm" / "compare.py"), f"--folder={folder}"]
    found = subprocess.run(
        [*script, "--model=sentiment", "so good"], capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
    (line,) = found.stdout.splitlines()
    assert line.startswith("64-bit ARM, emulated: 1 of 1 answers of 1 models as on this processor")
    found = subprocess.run([*script, "--model=none.tflite", "a"], capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr == "arm: none.tflite: no such file\n"
