"""Answers by hand, by brute force, and as properties of nasty passages; targets and settings."""

import itertools
import json
import random
import re
import types
import unicodedata

import numpy as np
import pytest
import tokenizer_golden as golden
from passages import EMPTY, NASTY

from keras_bert import numpy_ops
from keras_bert.errors import InputError
from keras_bert.models import BertQuestionAnswerer
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.question_answering.metrics import normalize
from keras_bert.tasks.question_answering.squad_files import Questions
from keras_bert.tasks.question_answering.task import QuestionAnsweringTask, Settings, settings_of
from keras_bert.tasks.question_answering.windows import cut_passages
from keras_bert.text.tokenizer import WordPieceTokenizer

TASK = QuestionAnsweringTask()


def config(max_length=384, **settings):
    return types.SimpleNamespace(max_length=max_length, settings=settings)


def asked(question, context, *answers):
    """One question; `answers` are (text, start)."""
    return Questions("f.json", ["q"], ["q"], [question], [context], [""], [list(answers)], [False])


def random_outputs(rows, seed, quantum=None):
    """Random logits for rows; rounded to multiples of `quantum`, so that many are equal."""
    rng = np.random.default_rng(seed)
    outputs = {}
    for name in TASK.outputs:
        outputs[name] = [rng.normal(size=len(row)).astype("float32") for row in rows.encodings]
        if quantum:
            outputs[name] = [np.round(values / quantum) * quantum for values in outputs[name]]
    return outputs


# === Training ===


def test_targets_point_at_the_answer_or_at_cls():
    tokenizer = golden.tokenizer("uncased")
    context = "the quick brown fox jumps over the lazy dog and the old cat"
    start = context.index("over")
    examples = asked("who?", context, ("over the lazy", start))
    rows = TASK.rows(examples, tokenizer, config(12, doc_stride=2, max_question_length=5))
    targets = TASK.targets(examples, rows, config(12))
    assert set(targets) == {"start_logits", "end_logits"}
    seen = set()
    for i, window in enumerate(rows.encodings):
        first, last = (int(targets[name][i]) for name in TASK.outputs)
        whole = window.first <= 5 and window.first + window.count >= 8
        seen.add(whole)
        assert (first > 0) == (last > 0) == whole
        if whole:
            tokens = [tokenizer.vocabulary[t] for t in window.token_ids[first : last + 1]]
            assert tokens == ["over", "the", "lazy"]
    assert seen == {True, False}
    assert targets["start_logits"].dtype == np.int32


def test_training_leaves_out_what_cannot_be_aligned():
    contexts = ["good \u200b\u200b passage", "good passage", "good passage", "good passage"]
    answers = [[("\u200b\u200b", 5)], [("bad", -1)], [("bad", -1), ("good", 0)], []]
    ids = list("abcd")
    examples = Questions(
        "f.json", ids, ids, ["who?"] * 4, contexts, [""] * 4, answers, [False] * 3 + [True]
    )
    tokenizer = golden.tokenizer("uncased")
    assert len(TASK.rows(examples, tokenizer, config())) == 4
    rows = TASK.training_rows(examples, tokenizer, config())
    assert rows.example_indices.tolist() == [2, 3]
    assert TASK.skipped(rows, examples) == 2
    targets = TASK.targets(examples, rows, config())
    assert targets["start_logits"].tolist() == [4, 0]  # [CLS] who ? [SEP] good
    with pytest.raises(InputError, match="f.json: no answer is found"):
        TASK.training_rows(examples.take([0, 1]), tokenizer, config())


# === Answers ===


def brute_force(rows, outputs, context, settings):
    """Every span of every window, judged one at a time; ((start, end), scores) of the n best."""
    found = []
    owners = google_owners(rows.encodings)
    # Of this file's passages; the ideographs have no words with spaces between them.
    inside = {
        i
        for m in re.finditer("[a-z0-9\u0301]+", context, re.I)
        for i in range(m.start() + 1, m.end())
    }
    for row, window in enumerate(rows.encodings):
        starts, ends = (outputs[name][row].astype("float64") for name in TASK.outputs)
        for i, j in itertools.combinations_with_replacement(range(window.count), 2):
            if j - i + 1 > settings.max_answer_length or owners[window.first + i] != row:
                continue
            score = starts[window.position + i] + ends[window.position + j]
            start = int(window.passage.starts[window.first + i])
            end = int(window.passage.ends[window.first + j])
            end += context.startswith("\u0301", end)
            if not settings.whole_words or not inside & {start, end}:
                found.append((-score, window.first + i, window.first + j, start, end))
    best = {}
    for score, _, _, start, end in sorted(found):
        text = context[start:end]
        text = normalize(text) or text
        if text not in best and len(best) == settings.n_best:
            break
        best.setdefault(text, ((start, end), []))[1].append(-score)
    return list(best.values())


def google_owners(windows):
    tokens = len(windows[0].passage)
    owners = []
    for token in range(tokens):
        scores = [
            min(token - w.first, w.first + w.count - 1 - token) + 0.01 * w.count
            if w.first <= token < w.first + w.count
            else -1
            for w in windows
        ]
        owners.append(scores.index(max(scores)))
    return owners


@pytest.mark.parametrize("quantum", [None, 0.5, 10.0])
@pytest.mark.parametrize("seed", range(6))
def test_answers_equal_a_search_through_all_spans(seed, quantum):
    rng = random.Random(seed)
    words = "the old man and a sea of 東京 fish, Ann cafe\u0301 10 unquestionably 1546)".split()
    context = " ".join(rng.choices(words, k=60))
    examples = asked("who?", context)
    settings = {
        "doc_stride": rng.randint(1, 9),
        "max_question_length": 4,
        "max_answer_length": rng.choice((1, 3, 8, 100)),
        "n_best": rng.choice((1, 5, 20)),
        "null_answers": seed % 2 == 0,
        "whole_words": seed % 3 > 0,
    }
    cfg = config(rng.randint(16, 40), **settings)
    rows = TASK.rows(examples, golden.tokenizer("uncased"), cfg)
    outputs = random_outputs(rows, seed, quantum)
    answer = TASK.answers(outputs, rows, examples, cfg)[0]
    expected = brute_force(rows, outputs, context, settings_of(cfg))
    spans = [span for span in answer["n_best"] if span["text"]]
    assert [(span["start"], span["end"]) for span in spans] == [bounds for bounds, _ in expected]
    scores = {context[start:end]: found for (start, end), found in expected}
    best = expected[0][1][0]
    if cfg.settings["null_answers"]:
        null = min(float(s[0]) + float(e[0]) for s, e in zip(*outputs.values()))
        assert answer["null_odds"] == pytest.approx(null - best, abs=1e-9)
        assert answer["text"] == ("" if null > best else spans[0]["text"])
        scores[""] = [null]
    else:
        assert "null_odds" not in answer
        assert {name: answer[name] for name in spans[0]} == spans[0]
    total = sum(np.exp(score - best) for found in scores.values() for score in found)
    assert len(answer["n_best"]) == len(scores)
    for span in answer["n_best"]:
        share = sum(np.exp(score - best) for score in scores[span["text"]]) / total
        assert span["probability"] == pytest.approx(share, abs=1e-6)


def logits_for(rows, *spans):
    """Logits of one window: those of each (start, end, score) add up to the score."""
    window = rows.details[0]
    outputs = {name: [np.full(len(window), -50.0, "float32")] for name in TASK.outputs}
    for start, end, score in spans:
        first, last = window.passage.align(start, end)
        outputs["start_logits"][0][window.position + first] = score / 2
        outputs["end_logits"][0][window.position + last] = score / 2
    return outputs


@pytest.mark.parametrize(
    ("context", "wanted", "others"),
    [
        # The best span is `wanted`'s piece; the answer is the whole word.
        ("the year (1546) was wet", "1546", ["154", "46"]),
        ("giselle Knowles sang", "giselle Knowles", ["selle Knowles"]),
        ("rushes rushing", "rushes", ["rush"]),
    ],
)
def test_answers_begin_and_end_at_words(context, wanted, others):
    pieces = [
        "the",
        "year",
        "(",
        "154",
        "##6",
        ")",
        "was",
        "wet",
        "1",
        "##54",
        "##46",
        "gi",
        "##selle",
    ]
    pieces += ["knowles", "sang", "rush", "##es", "##ing"]
    tokenizer = WordPieceTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces])
    examples = asked("wet", context)
    rows = TASK.rows(examples, tokenizer, config())
    spans = [(context.index(text), context.index(text) + len(text)) for text in [wanted, *others]]
    spans = [(*span, score) for span, score in zip(spans, (1.0, 9.0, 9.0))]
    outputs = logits_for(rows, *spans)
    answer = TASK.answers(outputs, rows, examples, config())[0]
    assert answer["text"] == wanted
    assert not {span["text"] for span in answer["n_best"]} & set(others)
    loose = TASK.answers(outputs, rows, examples, config(whole_words=False))[0]
    assert loose["text"] in others or wanted not in loose["text"]


def test_answers_inside_of_a_word_stay_where_no_word_is_short_enough():
    tokenizer = WordPieceTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##a"])
    examples = asked("a", "aaaa")
    cfg = config(max_answer_length=2)
    rows = TASK.rows(examples, tokenizer, cfg)
    answer = TASK.answers(random_outputs(rows, 0), rows, examples, cfg)[0]
    assert answer["text"] in ("a", "aa")


def test_equal_answers_share_their_probability():
    context = "the Rhine, or Rhine: rhine! and Ann"
    examples = asked("who?", context)
    tokenizer = golden.tokenizer("uncased")
    cfg = config(max_answer_length=2, n_best=2)
    rows = TASK.rows(examples, tokenizer, cfg)
    starts = [m.start() for m in re.finditer("rhine", context, re.I)]
    spans = [(start, start + 5, 4.0) for start in starts] + [(context.index("Ann"), 35, 4.0)]
    best, second = TASK.answers(logits_for(rows, *spans), rows, examples, cfg)[0]["n_best"]
    assert (best["text"], best["start"], second["text"]) == ("Rhine", 4, "Ann")
    assert best["probability"] == pytest.approx(0.75, abs=1e-6)
    assert second["probability"] == pytest.approx(0.25, abs=1e-6)


@pytest.mark.parametrize("vocabulary", ["uncased", "cased", "chinese", "multilingual"])
def test_answers_are_slices_of_nasty_passages(vocabulary):
    tokenizer = golden.tokenizer(vocabulary)
    contexts = NASTY + EMPTY + [" ".join(NASTY * 3)]
    examples = TASK.examples_from(["Who’s  ça?"] * len(contexts), contexts)
    for null_answers, seed in itertools.product((False, True), range(3)):
        cfg = config(48, doc_stride=9, max_question_length=20, null_answers=null_answers)
        rows = TASK.rows(examples, tokenizer, cfg)
        answers = TASK.answers(random_outputs(rows, seed), rows, examples, cfg)
        for answer, context in zip(answers, contexts, strict=True):
            for span in [answer, *answer["n_best"]]:
                assert span["text"] == context[span["start"] : span["end"]]
                assert 0 <= span["start"] <= span["end"] <= len(context)
                assert 0 <= span["probability"] <= 1
                assert bool(span["text"]) == (span["end"] > span["start"])
                following = context[span["end"] : span["end"] + 1] or "."
                assert not span["text"] or unicodedata.category(following)[0] != "M"
            texts = [span["text"] for span in answer["n_best"]]
            assert len(set(texts)) == len(texts)
            assert ("" in texts) == null_answers
            json.dumps(answer)
        if not null_answers:
            nothing = {"text": "", "start": 0, "end": 0, "probability": 0.0, "n_best": []}
            assert answers[len(NASTY) : -1] == [nothing] * len(EMPTY)
            assert all(answer["text"] for answer in answers[: len(NASTY)])


def test_an_answer_takes_the_accents_of_its_last_letter():
    context = "un e\u0301te\u0301 chaud"
    examples = asked("?", context)
    tokenizer = golden.tokenizer("uncased")
    rows = TASK.rows(examples, tokenizer, config())
    passage = rows.details[0].passage
    first, last = passage.align(3, 8)
    outputs = {name: [np.zeros(len(rows.encodings[0]))] for name in TASK.outputs}
    outputs["start_logits"][0][rows.details[0].position + first] = 9
    outputs["end_logits"][0][rows.details[0].position + last] = 9
    assert TASK.answers(outputs, rows, examples, config())[0]["text"] == "e\u0301te\u0301"


def test_logits_that_are_not_numbers_give_no_broken_answer():
    examples = asked("who?", "some passage of words")
    for null_answers, value in itertools.product((False, True), (np.nan, np.inf, -np.inf)):
        cfg = config(null_answers=null_answers)
        rows = TASK.rows(examples, golden.tokenizer("uncased"), cfg)
        logits = [np.full(len(rows.encodings[0]), value, "float32")]
        answer = TASK.answers(dict.fromkeys(TASK.outputs, logits), rows, examples, cfg)[0]
        assert (answer["text"], answer["start"], answer["end"]) == ("", 0, 0)
        json.dumps(answer, allow_nan=False)


@pytest.mark.parametrize("vocabulary", ["uncased", "chinese"])
@pytest.mark.parametrize("null_answers", [False, True])
def test_a_model_that_knows_scores_full_marks(vocabulary, null_answers):
    tokenizer = golden.tokenizer(vocabulary)
    rng = random.Random(1)
    texts = [row["text"] for row in golden.rows() if len(row["text"]) > 40][:40]
    contexts = [" ".join(rng.sample(texts, 6)) for _ in range(40)]
    answers = []
    for context in contexts:
        passage, text = cut_passages(tokenizer, [context])[0], ""
        while not normalize(text):  # which SQuAD 1.1's F1 would call wrong
            first = rng.randrange(len(passage) - 9)
            start, end = int(passage.starts[first]), int(passage.ends[first + rng.randrange(9)])
            text = context[start:end]
        answers.append([(text, start)])
    impossible = [null_answers and i % 3 == 0 for i in range(40)]
    answers = [[] if none else answer for answer, none in zip(answers, impossible)]
    ids = [str(i) for i in range(40)]
    examples = Questions(
        "f.json", ids, ids, ["who is it?"] * 40, contexts, [""] * 40, answers, impossible
    )
    cfg = config(
        64, doc_stride=20, max_question_length=20, null_answers=null_answers, whole_words=False
    )
    rows = TASK.rows(examples, tokenizer, cfg)
    assert len(rows) > 80
    targets = TASK.targets(examples, rows, cfg)
    outputs = random_outputs(rows, 0)
    for name in TASK.outputs:
        for row, position in enumerate(targets[name]):
            outputs[name][row][position] += 100
    found = TASK.answers(outputs, rows, examples, cfg)
    scores = TASK.scores(found, examples, cfg)
    assert (scores["f1"], scores["exact_match"], scores["count"]) == (100.0, 100.0, 40)
    for answer, wanted in zip(found, answers):
        assert answer["text"] == (wanted[0][0] if wanted else "")


def test_the_threshold_decides_and_is_searched():
    contexts = ["alpha beta gamma"] * 4
    answers = [[("alpha", 0)], [("beta", 6)], [], []]
    ids = list("abcd")
    impossible = [False, False, True, True]
    examples = Questions("f", ids, ids, ["?"] * 4, contexts, [""] * 4, answers, impossible)
    cfg = config(null_answers=True)
    rows = TASK.rows(examples, golden.tokenizer("uncased"), cfg)
    # Odds of no answer -1 and 2 where there is one, 3 and 1 where there is none.
    outputs = {name: [np.zeros(len(row)) for row in rows.encodings] for name in TASK.outputs}
    window = rows.encodings[0]
    tokens = [window.passage.align(0, 5), window.passage.align(6, 10), (0, 0), (0, 0)]
    for row, ((first, last), odds) in enumerate(zip(tokens, (-1, 2, 3, 1))):
        outputs["start_logits"][row][window.position + first] = 5
        outputs["end_logits"][row][window.position + last] = 5
        outputs["start_logits"][row][0] = 10 + odds
    found = TASK.answers(outputs, rows, examples, cfg)
    assert [answer["text"] for answer in found] == ["alpha", "", "", ""]
    assert [answer["null_odds"] for answer in found] == [-1, 2, 3, 1]
    scores = TASK.scores(found, examples, cfg)
    expected = {
        "exact_match": 75.0, "f1": 75.0, "count": 4,
        "has_answer_exact_match": 50.0, "has_answer_f1": 50.0, "has_answer_count": 2,
        "no_answer_exact_match": 100.0, "no_answer_f1": 100.0, "no_answer_count": 2,
        "best_exact_match": 75.0, "best_exact_match_threshold": -1.0,
        "best_f1": 75.0, "best_f1_threshold": -1.0,
    }  # fmt: skip
    assert scores == expected
    assert TASK.tuned_settings(found, examples, cfg) == {"null_threshold": -1.0}
    tuned = config(null_answers=True, null_threshold=2.0)
    answers = TASK.answers(outputs, rows, examples, tuned)
    assert [answer["text"] for answer in answers][:3] == ["alpha", "beta", ""]
    # The search looks at the spans, so the threshold of before does not matter.
    assert TASK.tuned_settings(answers, examples, tuned) == {"null_threshold": -1.0}
    # Where no answers are best the threshold is below all odds, whatever these are.
    none = Questions("f", ids, ids, ["?"] * 4, contexts, [""] * 4, [[]] * 4, [True] * 4)
    assert TASK.tuned_settings(found, none, cfg) == {"null_threshold": -2.0}
    assert TASK.tuned_settings(found, examples, config()) == {}


# === The task ===


def squad_file(path, *answers, impossible=False):
    qas = [
        {"id": f"q{i}", "question": "?", "answers": [{"text": t, "answer_start": s}]}
        for i, (t, s) in enumerate(answers)
    ]
    if impossible:
        qas.append({"id": "none", "question": "?", "answers": [], "is_impossible": True})
    paragraph = {"context": "北京是首都 Peking it is", "qas": qas}
    path.write_text(json.dumps({"data": [{"paragraphs": [paragraph]}]}))
    return path


def test_settings_come_from_the_benchmark_or_the_file(tmp_path):
    def settings(benchmark, *answers, impossible=False, **flags):
        path = squad_file(tmp_path / "a.json", *answers, impossible=impossible)
        task = QuestionAnsweringTask(benchmark)
        fields = task.config_fields(task.read(path, FileLayout()), {"labels": None, **flags})
        assert (fields["labels"], fields["pair"]) == ((), True)
        return Settings(**fields["settings"])

    chinese, english = ("北京", 0), ("Peking", 6)
    assert settings("", english) == Settings()
    assert settings("", english, impossible=True).null_answers
    assert settings("squad2", english).null_answers
    assert settings("", chinese, chinese, english).character_f1
    assert not settings("", chinese, english).character_f1
    assert not settings("squad1", chinese).character_f1
    assert settings("cmrc2018", english).character_f1
    assert settings("drcd", english).character_f1
    assert settings("", english, doc_stride=7, null_threshold=-1.5, n_best=None) == Settings(
        doc_stride=7, null_threshold=-1.5
    )
    with pytest.raises(InputError, match="a.json: question 'none' has no answer, in squad1"):
        settings("squad1", english, impossible=True)
    with pytest.raises(InputError, match="a.json: has questions without an answer"):
        settings("", english, impossible=True, null_answers=False)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"doc_stride": 0}, "doc_stride must be from 1 to 65535, not 0"),
        ({"n_best": 1.5}, "n_best must be int, not 1.5"),
        ({"null_answers": 1}, "null_answers must be bool"),
        ({"null_threshold": float("nan")}, "null_threshold must be finite"),
        ({"colour": 1}, "settings must be .*found .*colour"),
    ],
)
def test_settings_out_of_a_file_are_checked(settings, message):
    with pytest.raises(InputError, match=message):
        settings_of(config(**settings))


def test_names_and_hooks(tmp_path):
    assert [QuestionAnsweringTask(b).name for b in ("", "squad2")] == [
        "question_answering",
        "squad2",
    ]
    with pytest.raises(InputError, match="benchmark 'squad3'"):
        QuestionAnsweringTask("squad3")
    assert TASK.metrics(None) == ("f1", "exact_match")
    logits = {"start_logits": [[1]], "end_logits": [[2]], "more": 3}
    found = BertQuestionAnswerer.outputs_from_logits(logits, {}, numpy_ops)
    assert found == {"start_logits": [[1]], "end_logits": [[2]]}
    assert list(found) == list(TASK.outputs)
    examples = TASK.examples_from(["Who?", "When?"], ["Ann", "Bob"])
    assert examples.lines == ["1", "2"]
    assert TASK.asked_fields(examples)[1] == {"question": "When?", "id": "2"}
    answer = {"text": "Ann", "start": 0, "end": 3, "probability": 0.5, "n_best": []}
    assert TASK.answer_line(answer) == "Ann\t0.5000"
    assert TASK.columns(config()) == ["text", "start", "end", "probability"]
    assert TASK.cells(answer | {"null_odds": -1.0}, config(null_answers=True)) == [
        "Ann", 0, 3, 0.5, -1.0,
    ]  # fmt: skip
    assert TASK.answers_agree(answer, {"text": "Ann"}, config())
    assert not TASK.answers_agree(answer, {"text": "ann"}, config())
    path = tmp_path / "predictions.json"
    path.write_text(TASK.submission([answer, {"text": "北"}], examples, config()))
    assert TASK.read_predictions(path, examples) == ([{"text": "Ann"}, {"text": "北"}], 0, 0)
    for questions, contexts, message in [
        (["a"], None, "a passage is needed"),
        (["a"], ["b", "c"], "a passage is needed"),
        (["a", " "], ["b", "c"], "text 2: question is empty"),
        (["a"], ["\n"], "text 1: context is empty"),
    ]:
        with pytest.raises(InputError, match=message):
            TASK.examples_from(questions, contexts)


def test_scores_follow_the_settings_and_the_file():
    examples = asked("?", "北京大学", ("北京大学", 0))
    answers = [{"text": "北京。"}]
    assert TASK.scores(answers, examples, config())["f1"] == 0
    chinese = TASK.scores(answers, examples, config(character_f1=True))
    assert (chinese["f1"], chinese["count"]) == (pytest.approx(200 / 3), 1)
    # Predictions made elsewhere have no odds, and a question may be left unanswered.
    scores = TASK.scores([{"text": None}], examples, config(null_answers=True))
    assert (scores["f1"], scores["has_answer_count"]) == (0, 1)
    assert "best_f1" not in scores


def test_a_benchmarks_rules_count_whatever_the_model_was_trained_for():
    examples = asked("谁?", "北京大学", ("北京大学", 0))
    answers = [{"text": "北京"}]
    # By characters two of four are right; by words, parted by spaces, none.
    expected = {"squad1": 0.0, "squad2": 0.0, "cmrc2018": 200 / 3, "drcd": 200 / 3}
    for trained in (config(), config(character_f1=True), config(null_answers=True)):
        for benchmark, f1 in expected.items():
            scores = QuestionAnsweringTask(benchmark).scores(answers, examples, trained)
            assert scores["f1"] == pytest.approx(f1, abs=1e-9), benchmark
            assert ("has_answer_f1" in scores) == (benchmark == "squad2")


def test_a_question_without_an_answer_is_refused_where_the_benchmark_has_none():
    unanswered = Questions("f.json", ["q"], ["q"], ["who?"], ["a b"], [""], [[]], [True])
    for benchmark in ("squad1", "cmrc2018", "drcd"):
        with pytest.raises(InputError, match=rf"question 'q' has no answer, in {benchmark} all"):
            QuestionAnsweringTask(benchmark).check(unanswered, config(null_answers=True))
    for benchmark in ("", "squad2"):
        QuestionAnsweringTask(benchmark).check(unanswered, config(null_answers=True))


def test_settings_that_were_asked_for_do_not_shrink():
    settings = config_settings()
    shrunk = TASK.settings_for(settings, 64)
    assert (shrunk["max_question_length"], shrunk["doc_stride"]) == (16, 22)
    kept = TASK.settings_for({**settings, "max_question_length": 40}, 64, ["max_question_length"])
    assert (kept["max_question_length"], kept["doc_stride"]) == (40, 10)
    kept = TASK.settings_for(settings, 64, ["doc_stride"])
    assert (kept["max_question_length"], kept["doc_stride"]) == (16, 128)


def config_settings():
    return TASK.config_fields(asked("who?", "a b", ("a", 0)), {})["settings"]


def test_a_model_that_answers_with_one_place_of_every_passage_has_collapsed():
    answers = [{"text": text, "start": 0, "end": 3} for text in ("The", "Her", "One")]
    assert TASK.collapsed(answers, config())
    assert not TASK.collapsed(answers[:1], config())
    assert not TASK.collapsed([*answers, {"text": "The", "start": 4, "end": 7}], config())


def test_an_answer_with_line_ends_is_printed_on_one_line():
    assert TASK.answer_line({"text": "a\tb\u2028c\r\nd", "probability": 0.25}) == "a b c d\t0.2500"


def test_reading_of_misaligned_answers_can_be_asked_for(tmp_path):
    path = squad_file(tmp_path / "a.json", ("Peking", 7))
    with pytest.raises(InputError, match="is not at answer_start 7"):
        TASK.read(path, FileLayout())
    assert TASK.read(path, FileLayout(), misaligned="search").moved == 1
    assert TASK.read(path, FileLayout(misaligned="keep")).answers == [[("Peking", 6)]]
