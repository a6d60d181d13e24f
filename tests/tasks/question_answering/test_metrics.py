"""The official scores against independent implementations of their rules."""

import json
import random

import pytest

from keras_bert.errors import InputError
from keras_bert.tasks.question_answering import metrics
from keras_bert.tasks.question_answering.squad_files import Questions

EDGES = [
    "", " ", "the", "The", "a an the", "an", "A.", "...", "?!", "—the—", "theatre", "a-b", "it's",
    "its", "the cat", "cat the", "The Cat.", "cat cat", "cat", "cat cat dog", "dog cat", "ÉCOLE",
    "école", "İ", "ß", "10,000", "10000", "$5", "5", "\u00a0cat\t dog\n", "東京", "東京。",
    "a\u200bb", "ﬁne", "the_cat", "²", "Ⅷ", "a b c d e f", "f e d c b a", "👍", "a👍the",
]  # fmt: skip


def naive_normalize(text):
    """By hand: lower case, ASCII punctuation dropped, runs of word characters that are articles."""
    dropped = set("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
    kept = "".join(c for c in text.lower() if c not in dropped)
    out, run = "", ""
    for char in kept + "\0":
        if char.isalnum():
            run += char
            continue
        out += (" " if run in ("a", "an", "the") else run) + char
        run = ""
    return " ".join(out[:-1].split())


def naive_f1(reference, prediction, empty):
    """Counts shared words by striking them off; `empty` is the score of two empty answers."""
    left, words = reference.split(), prediction.split()
    if not left or not words:
        return empty if left == words else 0.0
    total, shared = len(left) + len(words), 0
    for word in words:
        if word in left:
            left.remove(word)
            shared += 1
    return 2 * shared / total


def random_texts(rng, count):
    words = ["a", "the", "cat", "dog", "Dog", "10", "x.", "é", "-", "東", "an,", "🙂", "of"]
    texts = [" ".join(rng.choices(words, k=rng.randint(0, 6))) for _ in range(count)]
    return texts + rng.choices(EDGES, k=count)


@pytest.mark.parametrize("text", EDGES)
def test_normalization(text):
    assert metrics.normalize(text) == naive_normalize(text)


@pytest.mark.parametrize("seed", range(5))
def test_squad1_equals_its_definition(seed):
    rng = random.Random(seed)
    predictions = random_texts(rng, 200) + EDGES
    references = [rng.choices(EDGES + predictions, k=rng.randint(1, 4)) for _ in predictions]
    predictions = [None if rng.random() < 0.05 else text for text in predictions]
    exact = f1 = 0
    for prediction, texts in zip(predictions, references):
        if prediction is not None:
            one, others = naive_normalize(prediction), [naive_normalize(text) for text in texts]
            exact += any(one == other for other in others)
            f1 += max(naive_f1(other, one, empty=0.0) for other in others)
    found = metrics.squad1_scores(predictions, references)
    assert found["exact_match"] == pytest.approx(100 * exact / len(predictions), abs=1e-9)
    assert found["f1"] == pytest.approx(100 * f1 / len(predictions), abs=1e-9)
    assert found["total"] == len(predictions)


def test_squad1_by_hand():
    def score(prediction, *references):
        found = metrics.squad1_scores([prediction], [list(references)])
        return found["exact_match"], found["f1"]

    assert score("The Denver Broncos!", "denver broncos") == (100, 100)
    assert score("Denver", "Denver Broncos", "Broncos") == (0, pytest.approx(200 / 3))
    # Nothing is left of either: the same, but without a shared word.
    assert score("the", "a") == (100, 0)
    assert score("", "x") == (0, 0)
    assert score(None, "x") == (0, 0)


def naive_squad2(predictions, references):
    rows = []
    for prediction, texts in zip(predictions, references):
        texts = [text for text in map(naive_normalize, texts) if text] or [""]
        one = naive_normalize(prediction)
        rows.append(
            (
                max(float(one == text) for text in texts),
                max(naive_f1(text, one, empty=1.0) for text in texts),
            )
        )
    return rows


def mean(values):
    return 100 * sum(values) / len(values)


@pytest.mark.parametrize("seed", range(8))
def test_squad2_equals_its_definition(seed):
    rng = random.Random(seed)
    predictions = [rng.choice((text, "")) for text in random_texts(rng, 100) + EDGES]
    texts = [text for text in EDGES + predictions if text]
    references = [rng.choices(texts, k=rng.randint(0, 3)) for _ in predictions]
    # No two are equal, and none is 0, which the search gives where nothing is gained.
    odds = rng.sample([i / 7 - 20.05 for i in range(1000)], k=len(predictions))
    rows = naive_squad2(predictions, references)
    threshold = rng.choice(odds)
    found = metrics.squad2_scores(predictions, references, odds, threshold)
    final = [
        (float(not texts),) * 2 if odd > threshold else row
        for row, odd, texts in zip(rows, odds, references)
    ]
    for i, name in enumerate(("exact", "f1")):
        assert found[name] == pytest.approx(mean([row[i] for row in final]), abs=1e-9)
        for prefix, side in (("HasAns", True), ("NoAns", False)):
            part = [row[i] for row, texts in zip(final, references) if bool(texts) is side]
            assert found[f"{prefix}_{name}"] == pytest.approx(mean(part), abs=1e-9)
            assert found[f"{prefix}_total"] == len(part)
        # All thresholds, one after the other; a kept answer to a question that has none is wrong,
        # and one that is "" is right.
        best = {}
        for cut in [-1e9, *odds]:
            best[cut] = mean(
                [
                    float(not texts) if odd > cut else (row[i] if texts else float(not text))
                    for row, odd, texts, text in zip(rows, odds, references, predictions)
                ]
            )
        top = max(best.values())
        assert found[f"best_{name}"] == pytest.approx(top, abs=1e-9)
        reached = found[f"best_{name}_thresh"]
        assert best.get(reached, best[-1e9]) == pytest.approx(top, abs=1e-9)
    assert found["total"] == len(predictions)


def test_squad2_parts_appear_only_where_there_are_such_questions():
    only = metrics.squad2_scores(["x"], [["x"]])
    assert only == {
        "exact": 100, "f1": 100, "total": 1, "HasAns_exact": 100, "HasAns_f1": 100,
        "HasAns_total": 1,
    }  # fmt: skip
    none = metrics.squad2_scores(["", None], [[], []])
    assert (none["exact"], none["NoAns_f1"], none["NoAns_total"]) == (50, 50, 2)
    assert "HasAns_exact" not in none
    # Not answered is not the same as answered with "".
    assert metrics.squad2_scores([None], [[]], [5.0], 1.0)["exact"] == 0


def test_threshold_search_by_hand():
    # Sorted by odds: right, wrong on an unanswerable one, right.
    predictions, has = ["x", "y", "z"], [True, False, True]
    search = metrics.best_threshold
    assert search(predictions, [1.0, 0.0, 1.0], [-3.0, 0.5, 2.0], has) == (200 / 3, -3.0)
    assert search(predictions, [1.0, 0.0, 1.0], [0.5, 2.0, -3.0], has) == (100.0, 0.5)
    # An empty prediction costs nothing; where nothing is gained the threshold stays at 0.
    assert search(["x", ""], [0.0, 1.0], [5.0, 4.0], [True, False]) == (50.0, 0.0)
    # Equal odds are taken in the order of the questions, as in the script.
    assert search(["x", "y"], [1.0, 0.0], [1.0, 1.0], [True, False]) == (100.0, 1.0)
    assert search(["y", "x"], [0.0, 1.0], [1.0, 1.0], [False, True]) == (50.0, 0.0)


# What nltk.word_tokenize (3.10, preserve_line=True), which CMRC's script calls, makes of these.
NLTK_WORDS = {
    "1,000 kg": ["1,000", "kg"],
    "u.s.": ["u.s", "."],
    "u.s. army": ["u.s.", "army"],
    "a, b,c": ["a", ",", "b", ",", "c"],
    "3,": ["3", ","],
    '"r. d. duvauceli"': ["``", "r.", "d.", "duvauceli", "''"],
    "(lionel richie)": ["(", "lionel", "richie", ")"],
    "john's cat": ["john", "'s", "cat"],
    "don't": ["do", "n't"],
    "cannot": ["can", "not"],
    "'shade' for a sunumbrella": ["'", "shade", "'", "for", "a", "sunumbrella"],
    "$5.50; 60%": ["$", "5.50", ";", "60", "%"],
    "trust... the seer?": ["trust", "...", "the", "seer", "?"],
    "franz mayer & co.": ["franz", "mayer", "&", "co", "."],
    "«a»‘b’": ["«", "a", "»", "‘", "b"],
    '""f"#"': ["``", "``", "f", "''", "#", "''"],
    "1997–2000": ["1997", "–", "2000"],
    "a . ": ["a", "."],
}


@pytest.mark.parametrize("text", NLTK_WORDS)
def test_words_between_chinese_characters(text):
    assert metrics.chinese_segments(text) == NLTK_WORDS[text]
    expected = ["中", *NLTK_WORDS[text], "国"]
    assert metrics.chinese_segments(f"中{text}国。") == expected


def naive_chinese(prediction, reference):
    """The longest common run by trying all; texts of Chinese characters and single letters."""
    dropped = set("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")

    def units(text):
        found, word = [], ""
        for char in "".join(c for c in text.lower().strip() if c not in dropped) + " ":
            if "一" <= char <= "龥" or char == " ":
                found += ([word] if word else []) + ([char] if char != " " else [])
                word = ""
            else:
                word += char
        return found

    a, b = units(reference), units(prediction)
    runs = {tuple(b[i:j]) for i in range(len(b)) for j in range(i + 1, len(b) + 1)}
    longest = max(
        (j - i for i in range(len(a)) for j in range(i + 1, len(a) + 1) if tuple(a[i:j]) in runs),
        default=0,
    )
    return 2 * longest / (len(a) + len(b)) if longest else 0.0


@pytest.mark.parametrize("seed", range(5))
def test_chinese_scores_equal_their_definition(seed):
    rng = random.Random(seed)
    alphabet = "中国北京大学，。ab1 A（）、龥"

    def texts(count):
        return ["".join(rng.choices(alphabet, k=rng.randint(1, 9))) for _ in range(count)]

    predictions = texts(100) + ["", "。", " 中国。"]
    references = [texts(2) + rng.choices(predictions) for _ in predictions]
    f1 = [
        max(naive_chinese(prediction, text) for text in options)
        for prediction, options in zip(predictions, references)
    ]
    found = metrics.chinese_scores(predictions, references)
    assert found["f1"] == pytest.approx(mean(f1), abs=1e-9)
    one = metrics.chinese_scores(["《红楼梦》", None], [["红楼梦。", "x"], ["x"]])
    assert one == {"exact_match": 50, "f1": 50, "total": 2}
    # The longest run and not all that is shared: 2 of 4 and 4 characters.
    two = metrics.chinese_scores(["北京上海"], [["北京和上"]])
    assert two == {"exact_match": 0, "f1": 50, "total": 1}


def questions(*ids):
    texts = [""] * len(ids)
    return Questions("dev.json", list(ids), list(ids), texts, texts, texts)


def test_predictions(tmp_path):
    path = tmp_path / "predictions.json"
    path.write_text(json.dumps({"b": "y", "a": "", "z": "?"}))
    found = metrics.read_predictions(path)
    assert metrics.predictions_of(found, questions("a", "b", "c")) == (["", "y", None], 1, 1)
    with pytest.raises(InputError, match="dev.json: none of its 1 questions has a prediction"):
        metrics.predictions_of(found, questions("c"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("{", "not a readable JSON file"),
        ("[]", "must be a JSON object"),
        ("{}", "must be a JSON object"),
        ('{"a": ["x"]}', "id 'a': .* is not a text"),
        ('{"a": null}', "id 'a': None is not a text"),
    ],
)
def test_faults_of_predictions_are_named(tmp_path, content, message):
    path = tmp_path / "predictions.json"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        metrics.read_predictions(path)
