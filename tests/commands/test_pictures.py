"""The verbs draw what they print: pictures and pages of every kind of task."""

import json
import re
import sys

import numpy as np
import pytest
from task_models import KINDS, answer_half, make_bert, write_data

import keras_bert
from keras_bert import extras
from keras_bert.answering import write_page
from keras_bert.evaluation import evaluate
from keras_bert.export.verify_picture import comparison_panels
from keras_bert.guesses import Guess
from keras_bert.opening import open_with_examples
from keras_bert.tasks.calibration import expected_calibration_error
from keras_bert.tasks.panels import Bars, Confusion, Reliability, Scatter
from keras_bert.tasks.registry import get_task

PNG = b"\x89PNG\r\n\x1a\n"


def result_of(found):
    assert found.status == 0, found.err
    return json.loads(found.out)


def panels_of(bert, data):
    _, task, examples = open_with_examples(bert, data)
    answers = bert.answers(examples)
    panels = task.panels(answers, examples, bert.config)
    return panels, answers, examples, task.scores(answers, examples, bert.config)


# === evaluate ===


def test_evaluate_draws_and_reports_the_calibration_error(cli, toy, tmp_path):
    picture = tmp_path / "scores.png"
    flags = [f"--model={toy.model}", f"--data={toy.dev}"]
    result = result_of(cli("evaluate", *flags, f"--picture={picture}", "--json"))
    assert result["picture"] == str(picture)
    assert picture.read_bytes().startswith(PNG)
    found = cli("evaluate", *flags)
    error = result["expected_calibration_error"]
    assert f"expected calibration error {error:.4f}" in found.out
    panels, answers, examples, scores = panels_of(keras_bert.load(toy.model), toy.dev)
    assert [type(panel) for panel in panels] == [Confusion, Reliability]
    assert panels[0].counts.tolist() == scores["confusion"] == result["confusion"]
    assert panels[0].labels == result["labels"]
    right = [a["label"] == label for a, label in zip(answers, examples.labels)]
    confidences = [max(answer["probabilities"].values()) for answer in answers]
    assert panels[1].right.tolist() == right
    assert error == pytest.approx(expected_calibration_error(confidences, right), abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_picture_of_its_scores(kind, tmp_path):
    bert = make_bert(kind)
    data = write_data(kind, bert, tmp_path)
    picture = tmp_path / "a.png"
    result, lines = evaluate(bert, data=data, picture=picture)
    assert picture.read_bytes().startswith(PNG)
    assert lines[-1] == f"picture: {picture}"
    panels, answers, examples, scores = panels_of(bert, data)
    if kind == "regression":
        (scatter,) = panels
        assert scatter.x.tolist() == examples.labels
        assert scatter.y.tolist() == [answer["value"] for answer in answers]
        assert (
            scatter.title == f"Pearson {scores['pearson']:.3f}, Spearman {scores['spearman']:.3f}"
        )
    elif kind == "tagging":
        (confusion,) = panels
        # The file says what the model answers.
        types = scores["types"]
        assert confusion.labels == [*sorted(types), "(no entity)"]
        counts = [types[name]["count"] for name in sorted(types)]
        np.testing.assert_array_equal(confusion.counts, np.diag([*counts, 0]))
        total = sum(counts)
        assert confusion.title == f"{total} entities, {total} predicted, {total} right"
    else:
        (reliability,) = panels
        assert reliability.confidences.tolist() == [a["probability"] for a in answers]
        name = "accuracy" if kind == "multiple_choice" else "exact_match"
        assert 100 * reliability.right.mean() == pytest.approx(
            scores[name] * (100 if kind == "multiple_choice" else 1)
        )


def test_answers_that_are_wrong_are_so_in_the_picture(tmp_path):
    bert = make_bert("question_answering")
    data = write_data("question_answering", bert, tmp_path)
    asked = json.loads(data.read_text(encoding="utf-8"))
    wrong = asked["data"][0]["paragraphs"][::2]
    for paragraph in wrong:
        start = paragraph["context"].index(" ") + 1
        text = paragraph["context"][start:].split()[0]
        paragraph["qas"][0] |= {
            "answers": [{"text": text, "answer_start": paragraph["context"].index(text)}],
            "is_impossible": False,
        }
    data.write_text(json.dumps(asked), encoding="utf-8")
    panels, _, _, scores = panels_of(bert, data)
    assert 0 < panels[0].right.mean() < 1
    assert 100 * panels[0].right.mean() == pytest.approx(scores["exact_match"])


def test_tags_without_a_scheme_and_labels_of_several():
    task = get_task("tagging")
    bert = make_bert("tagging", labels=("DET", "NOUN"), settings={"scheme": "none"})
    examples = task.examples_from([["a", "cat"], ["the"]], labels=[["DET", "NOUN"], ["DET"]])
    answers = [{"tags": ["DET", "DET"]}, {"tags": ["DET"]}]
    (confusion,) = task.panels(answers, examples, bert.config)
    assert confusion.labels == ["DET", "NOUN"]
    assert confusion.counts.tolist() == [[2, 0], [1, 0]]
    assert confusion.what == "words"


def test_multi_label_has_bars_and_the_reliability_of_every_decision():
    task = get_task("multi_label")
    examples = task.examples_from(["x", "y", "z"], labels=["a", "a|b", "b"])
    labels = [f"rare {i}" for i in range(60)]
    config = keras_bert.model_folder.ModelConfig(
        encoder=keras_bert.BertConfig(vocab_size=9), tokenizer={}, task="multi_label",
        labels=("a", "b", *labels), settings={"thresholds": [0.5] * 62},
    )  # fmt: skip
    probabilities = [(0.9, 0.2), (0.4, 0.7), (0.6, 0.1)]
    answers = [
        {
            "labels": [label for label, p in zip("ab", pair) if p >= 0.5],
            "probabilities": {**dict(zip("ab", pair)), **dict.fromkeys(labels, 0.01)},
        }
        for pair in probabilities
    ]
    bars, reliability = task.panels(answers, examples, config)
    assert bars.names[:2] == ["a", "b"]
    assert bars.series["precision"][:2] == [0.5, 1.0]
    assert bars.series["recall"][:2] == [0.5, 0.5]
    assert bars.title == "scores of the 40 most frequent of 62 labels"
    assert len(bars.names) == 40
    assert reliability.confidences.reshape(3, 62)[:, :2].tolist() == [
        list(p) for p in probabilities
    ]
    assert reliability.right.reshape(3, 62)[:, :2].tolist() == [[1, 0], [1, 1], [0, 1]]
    assert reliability.right.sum() == 4


def test_pictures_that_cannot_be_drawn(cli, toy, tmp_path, monkeypatch):
    flags = [f"--model={toy.model}", f"--data={toy.dev}"]
    (tmp_path / "file").write_text("x")
    for verb, changes, part in [
        ("evaluate", [f"--picture={tmp_path / 'a.jpg'}"], "the name of --picture must end in .png"),
        ("evaluate", [f"--picture={tmp_path / 'file' / 'a.png'}"], "file"),
        ("verify", ["--exported=x.tflite", f"--picture={tmp_path / 'a'}"], "x.tflite"),
    ]:
        found = cli(verb, *flags, *changes)
        assert (found.status, len(found.err.splitlines())) == (2, 1), found.err
        assert part in found.err
    predictions = tmp_path / "predictions.json"
    predictions.write_text("{}")
    squad = write_data("question_answering", make_bert("question_answering"), tmp_path)
    found = cli(
        "evaluate", "--task=squad2", f"--data={squad}", f"--predictions={predictions}",
        f"--picture={tmp_path / 'a.png'}",
    )  # fmt: skip
    assert found.status == 2
    assert "--predictions have no probabilities to draw" in found.err
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    found = cli("evaluate", *flags, f"--picture={tmp_path / 'a.png'}")
    assert found.status == 2
    assert "matplotlib is not installed: pip install" in found.err
    with pytest.raises(extras.MissingPackage, match=r"\[pictures\]"):
        keras_bert.evaluate(toy.model, data=toy.dev, picture=tmp_path / "a.png")
    assert not list(tmp_path.glob("*.png"))


# === verify ===


def test_verify_draws_both(cli, toy, tmp_path):
    from keras_bert.export.export import export

    path, picture = str(tmp_path / "model.tflite"), tmp_path / "verify.png"
    bert = keras_bert.load(toy.model)
    export(bert, output=path, format="tflite", length=32, quantize="dynamic")
    flags = [f"--model={toy.model}", f"--exported={path}", f"--data={toy.dev}"]
    found = cli("verify", *flags, f"--picture={picture}", "--json")
    result = result_of(found)
    assert picture.read_bytes().startswith(PNG)
    assert result["picture"] == str(picture)
    assert found.err.splitlines()[-2] == f"picture: {picture}"
    outputs = [
        {"probability": [np.array([0.25, 0.75]), np.array([0.5, 0.5])]},
        {"probability": [np.array([0.2, 0.8]), np.array([0.5, 0.5])]},
    ]
    scores, costs, scatter = comparison_panels(result, outputs, bert.task, ("accuracy", "macro_f1"))
    assert [type(each) for each in (scores, costs, scatter)] == [Bars, Bars, Scatter]
    for name in ("model", "exported"):
        expected = [result[f"{name}_scores"][metric] for metric in ("accuracy", "macro_f1")]
        assert scores.series[name] == expected
        megabytes, ms = result[f"{name}_bytes"] / 1e6, result[f"{name}_ms"]
        assert costs.shown[name] == [f"{megabytes:.2f} MB", f"{ms:.2f} ms"]
    assert costs.series["model"] == [1, 1]
    assert costs.series["exported"][0] == result["exported_bytes"] / result["model_bytes"]
    assert scatter.x.tolist() == [0.25, 0.75, 0.5, 0.5]
    assert scatter.y.tolist() == [0.2, 0.8, 0.5, 0.5]
    assert scatter.title == f"same answer on {result['agreement']:.2%} of 100 examples"
    # Rows of different lengths have outputs that cannot be compared.
    assert len(comparison_panels({**result, "max_difference": None}, outputs, bert.task, ())) == 2


# === finetune ===


def test_finetune_draws_its_epochs_beside_the_folder(cli, toy, tmp_path):
    rows = tmp_path / "rows.tsv"
    rows.write_text("label\ttext\n" + "a\tgood film\nb\tbad film\n" * 8)
    flags = [
        "finetune", "--init=bert_tiny_en_uncased", f"--vocab={toy.vocabulary}", f"--train={rows}",
        f"--eval={rows}", "--length=8", "--epochs=2", f"--output={tmp_path / 'model'}",
    ]  # fmt: skip
    inside = cli(*flags, f"--picture={tmp_path / 'model' / 'curves.png'}")
    assert inside.status == 2
    assert "is inside of --output, which holds the model only" in inside.err
    found = cli(*flags, f"--picture={tmp_path / 'curves.png'}")
    assert found.status == 0, found.err
    assert found.out.splitlines()[-1] == f"picture: {tmp_path / 'curves.png'}"
    assert (tmp_path / "curves.png").read_bytes().startswith(PNG)
    assert {path.name for path in tmp_path.iterdir()} == {"rows.tsv", "model", "curves.png"}
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert "--picture=curves.png" in card


# === predict --html ===


def test_predict_writes_a_page_beside_the_answers_or_alone(cli, toy, tmp_path):
    hostile = "<script>alert(1)</script> superb film"
    page, answers = tmp_path / "a.html", tmp_path / "a.jsonl"
    data = tmp_path / "texts.csv"
    data.write_text(f"text\n{hostile}\na bad film\n")
    flags = [f"--model={toy.model}", f"--input={data}", f"--html={page}"]
    result = result_of(cli("predict", *flags, "--json"))
    assert result == {"html": str(page), "count": 2}
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; superb film" in text
    assert "<h1>texts.csv</h1>" in text
    shown = re.findall(r'<p class="answer">(.*?)</p>', text)
    result = result_of(cli("predict", *flags, f"--output={answers}", "--json"))
    assert result == {"html": str(page), "output": str(answers), "count": 2}
    written = [json.loads(line) for line in answers.read_text().splitlines()]
    assert shown == [answer["label"] for answer in written]
    for bad, part in [
        (f"--html={tmp_path / 'a.htm'}", "the name of --html must end in .html"),
        (f"--html={tmp_path}/", "must end in .html"),
    ]:
        found = cli("predict", *flags, bad)
        assert found.status == 2
        assert part in found.err


def test_answers_are_marked_in_their_passages(tmp_path):
    bert = make_bert("question_answering")
    data = write_data("question_answering", bert, tmp_path)
    _, _, examples, _ = panels_of(bert, data)
    answer_half(bert, examples.questions, examples.contexts)
    answers = bert.answers(examples)
    shown = bert.task.marked(answers, examples, bert.config)
    assert {bool(answer["text"]) for answer in answers} == {True, False}
    for answer, marked, question, context in zip(
        answers, shown, examples.questions, examples.contexts, strict=True
    ):
        asked, passage = marked.passages
        assert (asked.text, passage.text) == (question, context)
        slices = [context[span.start : span.end] for span in passage.spans]
        assert slices == ([answer["text"]] if answer["text"] else [])
        assert marked.answer == (answer["text"] or "(no answer)")
        assert [p for _, p in marked.bars] == sorted((p for _, p in marked.bars), reverse=True)


def test_entities_are_marked_in_texts_and_in_words(tmp_path):
    bert = make_bert("tagging")
    texts = ["Ada  Lovelace, met\nthe great actor!", "銀行 a good film"]
    examples = bert.task.examples_from(texts)
    answers = bert.answers(examples)
    for text, answer, marked in zip(
        texts, answers, bert.task.marked(answers, examples, bert.config), strict=True
    ):
        found = [(text[s.start : s.end], s.label, s.probability) for s in marked.passages[0].spans]
        assert found == [(e["text"], e["type"], e["probability"]) for e in answer["entities"]]
        assert marked.passages[0].text == text
    examples = bert.task.examples_from([["Ada", "Lovelace", "met"], ["銀", "行"]])
    answers = bert.answers(examples)
    shown = bert.task.marked(answers, examples, bert.config)
    assert [marked.passages[0].text for marked in shown] == ["Ada Lovelace met", "銀行"]
    for answer, marked in zip(answers, shown, strict=True):
        text = marked.passages[0].text
        slices = [text[span.start : span.end] for span in marked.passages[0].spans]
        assert slices == [entity["text"] for entity in answer["entities"]]
    plain = make_bert("tagging", labels=("DET", "NOUN"), settings={"scheme": "none"})
    examples = plain.task.examples_from(["a cat"])
    answers = plain.answers(examples)
    (marked,) = plain.task.marked(answers, examples, plain.config)
    spans = [(span.start, span.end, span.label) for span in marked.passages[0].spans]
    assert spans == [(0, 1, answers[0]["tags"][0]), (2, 5, answers[0]["tags"][1])]


def test_choices_are_bars():
    bert = make_bert("multiple_choice")
    examples = bert.task.examples_from(["a film"], [["one", "two", "three"]])
    answers = bert.answers(examples)
    (marked,) = bert.task.marked(answers, examples, bert.config)
    assert marked.answer == answers[0]["text"] == marked.bars[0][0]
    assert {name for name, _ in marked.bars} == {"one", "two", "three"}
    assert [passage.name for passage in marked.passages] == ["context"]


def test_of_very_many_answers_the_first_are_shown_and_this_is_said(tmp_path):
    bert = make_bert("regression")
    examples = bert.task.examples_from(["a"] * 2001)
    answers = [{"value": 1.5}] * 2001
    with pytest.warns(Guess, match=r"shows the first 2,000 of 2,001 answers"):
        write_page(tmp_path / "a.html", answers, examples, bert.task, bert.config)
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert text.count("<section>") == text.count('<p class="answer">1.5000</p>') == 2000
