"""What `keras-bert-device` prints: JSON, n-best, colours; to a terminal no control character."""

import io
import json

import pytest
from stub_models import StubModel, answerer, classifier, tagger

from keras_bert.device import common, shown
from keras_bert.device.main import main
from keras_bert.errors import InputError
from keras_bert.guesses import guess, guesses_are_notes

PASSAGE = "Bo lived in Paris.  Ada lived\nin London. She was in Paris. \x1b]0;title\x07 Ada?"


@pytest.fixture
def device(monkeypatch, capsys):
    """A function that runs the program with a model; returns status, lines of stdout, stderr."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")

    def run(model, *arguments, stdin=b""):
        monkeypatch.setattr(common, "open_tflite", lambda *_, **__: model)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        status = main([arguments[0], "--model=m.tflite", *arguments[1:]])
        out, err = capsys.readouterr()
        return status, out.splitlines(), err

    return run


def cut(lines):
    """Returns the columns of lines, without the milliseconds."""
    return [[cell for cell in line.split("\t") if not cell.endswith(" ms")] for line in lines]


def test_json_has_the_fields_of_predict(device):
    model = answerer(null_answers=True)
    questions = ["where did Ada live?", "who?"]
    status, lines, _ = device(model, "answer", "--json", f"--passage_text={PASSAGE}", *questions)
    assert status == 0
    found = [json.loads(line) for line in lines]
    expected = model.predict(questions, [PASSAGE] * 2)
    assert {"n_best", "null_odds"} < expected[0].keys()
    for record, question, answer in zip(found, questions, expected, strict=True):
        assert record.pop("milliseconds") >= 0
        assert record == {"question": question, **answer}
    assert PASSAGE[found[0]["start"] : found[0]["end"]] == found[0]["text"] == "London"

    for verb, model in (("classify", classifier()), ("tag", tagger())):
        texts = ["Ada lived in London.", "Paris 👍🏽 北京"]
        _, lines, _ = device(model, verb, "--json", *texts)
        for line, text, answer in zip(lines, texts, model.predict(texts), strict=True):
            assert line.isascii()
            record = json.loads(line)
            assert record.pop("milliseconds") >= 0
            assert record == {"text": text, **answer}


def test_json_holds_whatever_a_label_is(device):
    labels = ("a\tb", "\x1b[2J", "\ud800")
    status, lines, _ = device(classifier(labels), "classify", "--json", "Ada", "Bo")
    assert (status, len(lines)) == (0, 2)
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert [*json.loads(lines[0])["probabilities"]] == [*labels]


def test_best_prints_more_answers(device):
    flags = ["answer", f"--passage_text={PASSAGE}", "where?"]
    model = answerer()
    _, plain, _ = device(model, *flags)
    _, lines, _ = device(model, *flags, "--best=3")
    n_best = model.predict("where?", PASSAGE)["n_best"]
    assert cut(plain) == cut(lines[:1])
    assert cut(lines) == [
        [each["text"], f"{each['probability']:.4f}", f"{each['start']}-{each['end']}", "where?"]
        for each in n_best[:3]
    ]
    assert [each["text"] for each in n_best[:2]] == ["London", "Paris"]
    # No more than the model ranks.
    _, lines, _ = device(model, *flags, "--best=1000")
    assert len(lines) == len(n_best) == 4
    _, (line,), _ = device(model, *flags, "--best=2", "--json")
    assert json.loads(line)["n_best"] == n_best[:2]


def test_no_answer_comes_first_where_it_is_the_answer(device):
    flags = ["answer", "--passage_text=She did live.", "where?", "--best=2"]
    _, lines, _ = device(answerer(null_answers=True), *flags)
    assert [line[0] for line in cut(lines)] == ["(no answer)", "She"]
    assert cut(lines)[0][2] == "-"


def test_best_prints_more_labels(device):
    _, lines, _ = device(classifier(), "classify", "--best=2", "Ada", "Bo")
    assert cut(lines) == [
        ["high", "0.7000", "Ada"], ["low", "0.2000", "Ada"],
        ["low", "0.6000", "Bo"], ["middle", "0.3000", "Bo"],
    ]  # fmt: skip
    for wrong in ("0", "-1", "two", "1001"):
        with pytest.raises(SystemExit) as ended:
            device(classifier(), "classify", f"--best={wrong}", "Ada")
        assert ended.value.code == 2


def test_an_answer_is_coloured_in_its_sentence(device):
    flags = ["answer", f"--passage_text={PASSAGE}", "where?"]
    _, lines, _ = device(answerer(), *flags, "--color")
    assert lines[0].startswith("\x1b[1mLondon\x1b[0m\t")
    assert lines[1] == "    Ada lived in \x1b[1;32mLondon\x1b[0m."
    _, lines, _ = device(answerer(), *flags)
    assert len(lines) == 1
    assert "\x1b" not in lines[0]


def test_entities_are_coloured_in_their_text(device):
    _, lines, _ = device(tagger(), "tag", "--color", "Ada lived in London.", "She did.")
    marked = [line.rpartition("\t")[0] for line in lines]
    ada, london = (
        "\x1b[1;33mAda\x1b[0m\x1b[2m PER\x1b[0m",
        "\x1b[1;36mLondon\x1b[0m\x1b[2m LOC\x1b[0m",
    )
    assert marked == [f"{ada} lived in {london}.", "She did."]


def test_entities_without_types_and_tags_without_entities_are_shown(device):
    _, lines, _ = device(tagger(("O", "B", "I")), "tag", "--color", "Ada did.")
    assert lines[0].startswith("\x1b[1;36mAda\x1b[0m\x1b[2m _\x1b[0m did.\t")
    parts = tagger(("VERB", "NOUN", "X"), scheme="none")
    _, lines, _ = device(parts, "tag", "--color", "Ada did.")
    assert lines[0].startswith("Ada\x1b[2m/NOUN\x1b[0m did\x1b[2m/VERB\x1b[0m .\x1b[2m/VERB")
    _, lines, _ = device(parts, "tag", "Ada did.")
    assert lines[1:] == ["Ada\tNOUN", "did\tVERB", ".\tVERB", ""]


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_without_colours_gets_brackets(device, monkeypatch, variable, value):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv(variable, value)
    _, lines, _ = device(tagger(), "tag", "Ada lived in London.")
    assert lines[0].split("\t")[0] == "[Ada PER] lived in [London LOC]."
    _, lines, _ = device(answerer(), "answer", f"--passage_text={PASSAGE}", "where?")
    assert lines[1] == "    Ada lived in [London]."
    monkeypatch.setenv("NO_COLOR", "")
    monkeypatch.setenv("TERM", "xterm")
    _, lines, _ = device(tagger(), "tag", "--nocolor", "Ada")
    assert lines[0].split("\t")[0] == "[Ada PER]"


HARM = "\x1b[2J\x9b31m\x07\x7f\u202e\u2028"


def test_nothing_of_a_text_or_a_label_moves_the_cursor(device, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    harm = HARM.replace("\u2028", "")  # a label has one line
    labels = ("O", f"B-{harm}PER", "B-\x1b]0;x\x07")
    asked = [
        (tagger(labels), "tag", f"Ada {HARM} in London."),
        (classifier(("a", harm, "\x1b[31m")), "classify", f"Ada {HARM}"),
        (classifier(("a", harm, "\x1b[31m")), "classify", "--best=3", f"Ada {HARM}"),
        (answerer(), "answer", f"--passage_text={HARM} in {HARM}London{HARM}.", f"where {HARM}?"),
    ]
    for model, verb, *arguments in asked:
        status, lines, _ = device(model, verb, "--nocolor", *arguments)
        assert (status, bool(lines)) == (0, True)
        text = "".join(lines)
        assert not [char for char in HARM if char in text and not char.isalnum() and char != "["]
        assert "\\x1b[2J" in text
    # Messages too.
    status, _, err = device(classifier(), "classify", "--text_b=b\x1b[2J", "--input=\x1b[2Jx")
    assert (status, "\x1b" in err) == (2, False)


def test_a_pipe_gets_the_characters_as_they_are(device):
    _, lines, _ = device(classifier(), "classify", "Ada \x1b[2J")
    assert lines[0].endswith("\tAda \x1b[2J")


def test_texts_come_from_a_file(device, tmp_path):
    path = tmp_path / "texts.txt"
    path.write_bytes("\ufeffAda\r\n\n  \nBo 北京\n".encode())
    _, lines, _ = device(classifier(), "classify", f"--input={path}")
    assert cut(lines) == [["high", "0.7000", "Ada"], ["low", "0.6000", "Bo 北京"]]
    for flags in ([], ["--input=-"]):
        _, lines, _ = device(classifier(), "classify", *flags, stdin=path.read_bytes())
        assert cut(lines) == [["high", "0.7000", "Ada"], ["low", "0.6000", "Bo 北京"]]
    passage = tmp_path / "passage.txt"
    passage.write_text(PASSAGE)
    _, lines, _ = device(answerer(), "answer", f"--input={passage}", stdin=b"where?\n\nwho?\n")
    assert [line[0] for line in cut(lines)] == ["London", "London"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "{}: no such file"),
        (b"Ada\n\xff\n", "{}:2: is not UTF-8"),
        (b"\n \n", "{}: has no text"),
        (b"Ada\n\xed\xa0\x80\n", "{}:2: is not UTF-8"),
    ],
)
def test_a_bad_file_of_texts_is_one_line(device, tmp_path, content, message):
    path = tmp_path / "texts.txt"
    if content is not None:
        path.write_bytes(content)
    status, _, err = device(classifier(), "classify", f"--input={path}")
    assert (status, err) == (2, f"classify: {message.format(path)}\n")
    status, _, err = device(classifier(), "classify", f"--input={path}", "Ada")
    assert (status, err) == (2, "classify: --input: give either texts or a file\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--passage_text=Ada", ""], "text 1: is empty"),
        (["--passage_text=Ada", "\udcff"], "text 1: is not UTF-8"),
        (["--passage_text=\udced\udca0\udc80", "where?"], "--passage_text: is not UTF-8"),
        (["--passage=a\0b", "where?"], "'a\\x00b': is no name of a file"),
        (["where?"], "one of the arguments --passage --passage_text is required; see --help"),
    ],
)
def test_what_is_no_question_is_one_line(device, arguments, message):
    status, lines, err = device(answerer(), "answer", *arguments)
    assert (status, lines, err) == (2, [], f"answer: {message}\n")


def test_a_closed_input_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(common, "open_tflite", lambda *_, **__: classifier())
    monkeypatch.setattr("sys.stdin", None)
    assert main(["classify", "--model=m.tflite"]) == 2
    message = "classify: there are no texts, and standard input is closed\n"
    assert capsys.readouterr().err == message


@pytest.mark.parametrize("text", ["👍🏽🙂", "\u200d", "é" * 300, "[CLS] [SEP]"])
def test_unusual_texts_have_answers(device, text):
    assert device(classifier(), "classify", text)[0] == 0
    assert device(answerer(), "answer", f"--passage_text={text} London", text)[0] == 0
    assert device(answerer(null_answers=True), "answer", f"--passage_text={text}", text)[0] == 0
    status, _, err = device(tagger(), "tag", text)
    assert (status, err.count("\n")) in ((0, 0), (2, 1))


def test_a_passage_of_any_length(device, tmp_path):
    passage = "She did live in a. " * 20_000 + "In London."
    (tmp_path / "p.txt").write_text(passage)
    arguments = [f"--passage={tmp_path / 'p.txt'}", "where?", "--color"]
    status, lines, _ = device(answerer(), "answer", *arguments)
    assert status == 0
    start = passage.index("London")
    assert cut(lines)[0][2] == f"{start}-{start + 6}"
    assert lines[1] == "    In \x1b[1;32mLondon\x1b[0m."


def test_a_number_has_no_best(device):
    rules = {"value": lambda row: [2.0]}
    model = StubModel("regression", rules, settings={"mean": 0.0, "scale": 1.0})
    assert cut(device(model, "classify", "Ada")[1]) == [["2.0000", "Ada"]]
    status, _, err = device(model, "classify", "--best=2", "Ada")
    assert (status, err) == (
        2,
        "classify: --best: is for labels, and the model predicts a number\n",
    )


def test_a_long_sentence_is_cut_around_what_was_found():
    style = shown.Style(color=True)
    text = "word " * 5000 + "here" + " word" * 5000
    start = text.index("here")
    line = style.found_in(text, start, start + 4)
    assert line.startswith("…")
    assert line.endswith("…")
    assert "word \x1b[1;32mhere\x1b[0m word" in line
    assert len(line) < 350


def test_messages_and_notes_show_control_characters_as_codes(capsys):
    common.complain("tag", InputError("label \x1b[2J\x9b"))
    with guesses_are_notes():
        guess("label \x1b[2J\x9b")
    line = "label \\x1b[2J\\x9b\n"
    assert capsys.readouterr().err == f"tag: {line}note: {line}"
