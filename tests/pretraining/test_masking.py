"""Masking: what it must never do, what shares it must keep, and Google's algorithm beside it."""

import random

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.pretraining import choosing
from keras_bert.pretraining.masking import Masking, MaskingVocabulary, mask_batch

PAD, UNK, CLS, SEP, MASK = range(5)
SIZE = 5000
TOKENS = MaskingVocabulary(SIZE, MASK, (PAD, UNK, CLS, SEP))

KINDS = {
    "tokens": Masking(),
    "words": Masking(whole_word=True),
    "albert": Masking(span=3),
    "spanbert": Masking(span=10, span_distribution="spanbert"),
    "word spans": Masking(span=3, whole_word=True),
}


def make_batch(rows, length, seed=0, examples=1, full=False):
    """Returns token_ids, padding_mask, word_starts of rows of [CLS] a [SEP] b [SEP].

    Ids follow Zipf's law; words have 1 to 6 tokens, most of them 1.
    """
    rng = np.random.default_rng(seed)
    token_ids = np.zeros((rows, length), "int32")
    padding_mask = np.zeros((rows, length), "int32")
    word_starts = np.zeros((rows, length), bool)
    for row in range(rows):
        end = length if full else int(rng.integers(length // 2, length + 1))
        borders = np.linspace(0, end, examples + 1).astype(int)
        ids = 5 + (rng.zipf(1.3, end) - 1) % (SIZE - 5)
        ids[rng.random(end) < 0.01] = UNK
        starts = np.zeros(end, bool)
        starts[np.cumsum(rng.geometric(0.75, end).clip(max=6))[:-1] % end] = True
        for number, (first, last) in enumerate(zip(borders, borders[1:]), start=1):
            ids[first], ids[(first + last) // 2], ids[last - 1] = CLS, SEP, SEP
            padding_mask[row, first:last] = number
        starts |= ids < 5
        starts[:-1] |= ids[:-1] == MASK
        starts[1:] |= ids[:-1] < 5
        token_ids[row, :end] = ids
        word_starts[row, :end] = starts
    return token_ids, padding_mask, word_starts


def mask(batch, masking, seed=1, max_predictions=None):
    length = batch[0].shape[1]
    limit = max_predictions or masking.max_predictions(length)
    return mask_batch(*batch, masking, TOKENS, limit, np.random.default_rng(seed))


def choose(batch, masking, seed=1):
    limit = masking.max_predictions(batch[0].shape[1])
    return choosing.choose_targets(*batch, masking, TOKENS, limit, np.random.default_rng(seed))


def targets_of(batch, masked):
    targets = np.zeros(batch[0].shape, bool)
    rows, columns = np.nonzero(masked["masked_weights"])
    targets[rows, masked["masked_positions"][rows, columns]] = True
    return targets


def words_of(row_ids, row_examples, row_starts):
    """Returns the words of a row as lists of positions, read off one token after the other."""
    words = []
    for i, (token, example) in enumerate(zip(row_ids, row_examples)):
        if example == 0 or token < 5:
            continue
        follows = i > 0 and row_ids[i - 1] >= 5 and row_examples[i - 1] == example
        if follows and not row_starts[i]:
            words[-1].append(i)
        else:
            words.append([i])
    return words


def google_count(words, tokens, rate, limit, rng):
    """Returns how many tokens create_masked_lm_predictions of google-research/bert masks."""
    words = list(words)
    rng.shuffle(words)
    budget = min(limit, max(1, int(round(tokens * rate))))
    masked = 0
    for word in words:
        if masked >= budget:
            break
        if masked + len(word) > budget:
            continue
        masked += len(word)
    return masked


@pytest.fixture(scope="module")
def batch():
    return make_batch(1200, 128, seed=3)


@pytest.fixture(scope="module")
def packed():
    return make_batch(300, 256, seed=4, examples=9)


@pytest.mark.parametrize("masking", KINDS.values(), ids=KINDS)
def test_shares(batch, masking):
    token_ids, padding_mask, _ = batch
    masked = mask(batch, masking)
    targets = targets_of(batch, masked)
    assert np.count_nonzero(padding_mask) > 100_000
    assert targets.sum() / np.count_nonzero(padding_mask) == pytest.approx(0.15, abs=0.01)
    after, before = masked["token_ids"][targets], token_ids[targets]
    assert np.mean(after == MASK) == pytest.approx(0.8, abs=0.01)
    # A random token is, now and then, the one that stood there: the vocabulary is uniform, so 1 in
    # SIZE, which is far below the tolerance.
    assert np.mean(after == before) == pytest.approx(0.1, abs=0.01)
    assert np.mean((after != before) & (after != MASK)) == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("masking", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("which", ["batch", "packed"])
def test_what_is_masked(which, masking, request):
    batch = request.getfixturevalue(which)
    token_ids, padding_mask, _ = batch
    before = token_ids.copy()
    masked = mask(batch, masking)
    assert np.array_equal(token_ids, before), "the input was changed"
    targets = targets_of(batch, masked)
    # No special token and no padding is a target, and nothing else is changed.
    assert token_ids[targets].min() >= 5
    assert padding_mask[targets].min() > 0
    assert np.array_equal(masked["token_ids"][~targets], token_ids[~targets])
    # [MASK] apart, no special token is put anywhere.
    assert set(masked["token_ids"][targets]) & set(range(5)) == {MASK}
    weights, positions = masked["masked_weights"], masked["masked_positions"]
    rows, columns = np.nonzero(weights)
    assert np.array_equal(
        masked["masked_token_ids"][rows, columns], token_ids[rows, positions[rows, columns]]
    )
    # Positions rise, what is left of the row is zeros, and no row has more than Google's number.
    counts = weights.sum(axis=1).astype(int)
    budget = [max(1, round(0.15 * n)) for n in np.count_nonzero(padding_mask, axis=1)]
    assert (counts <= budget).all()
    assert set(np.unique(weights)) == {0, 1}
    for row, count in enumerate(counts):
        assert (np.diff(positions[row, :count]) > 0).all()
        for name in ("masked_positions", "masked_token_ids", "masked_weights"):
            assert not masked[name][row, count:].any()
    assert {name: a.dtype.name for name, a in masked.items()} == {
        "token_ids": "int32",
        "masked_positions": "int32",
        "masked_token_ids": "int32",
        "masked_weights": "float32",
    }
    # A batch of single tokens or token spans fills its budget to the last.
    if not masking.whole_word:
        assert np.array_equal(counts, budget)


def test_random_replacements_are_uniform():
    batch = make_batch(400, 512, seed=5, full=True)
    masked = mask(batch, Masking(rate=0.5, mask_share=0.0, random_share=1.0))
    found = masked["token_ids"][targets_of(batch, masked)]
    counts = np.bincount(found, minlength=SIZE)
    assert not counts[:5].any()
    expected = len(found) / (SIZE - 5)
    chi_square = ((counts[5:] - expected) ** 2 / expected).sum()
    degrees = SIZE - 6
    assert abs(chi_square - degrees) < 5 * np.sqrt(2 * degrees)


def test_positions_are_uniform():
    """Every maskable token is as likely as every other, where all units are single tokens."""
    batch = make_batch(1, 128, seed=6, full=True)
    many = tuple(np.repeat(a, 5000, axis=0) for a in batch)
    hits = targets_of(many, mask(many, Masking())).sum(axis=0)
    maskable = batch[0][0] >= 5
    share = 19 / maskable.sum()
    deviation = 5 * np.sqrt(5000 * share * (1 - share))
    assert np.abs(hits[maskable] - 5000 * share).max() < deviation


@pytest.mark.parametrize("masking", [KINDS["words"], KINDS["word spans"]], ids=["words", "spans"])
@pytest.mark.parametrize("which", ["batch", "packed"])
def test_whole_words(which, masking, request):
    batch = request.getfixturevalue(which)
    targets = targets_of(batch, mask(batch, masking))
    several = 0
    for row in range(len(targets)):
        for word in words_of(*(a[row] for a in batch)):
            assert len(set(targets[row, word])) == 1
            several += len(word) > 1 and targets[row, word[0]]
    assert several > 300


def test_counts_follow_google():
    """The number of masked tokens a row, against Google's loop over shuffled words."""
    rows, length = 4000, 24
    batch = make_batch(rows, length, seed=7, full=True)
    # Long words make the passing over matter.
    batch[2][:] = (batch[0] < 5) | (np.random.default_rng(8).random((rows, length)) < 0.3)
    rng = random.Random(9)
    words = [words_of(*(a[row] for a in batch)) for row in range(rows)]
    expected = [google_count(row, length, 0.15, 4, rng) for row in words]
    found = mask(batch, Masking(whole_word=True))["masked_weights"].sum(axis=1).astype(int)
    expected, found = (np.bincount(a, minlength=5) / rows for a in (expected, found))
    assert expected[:4].sum() > 0.1, "the rows are too easy: the budget is always filled"
    # Five standard deviations of the difference of two such shares.
    assert (
        np.abs(found - expected) < 5 * np.sqrt(2 * expected * (1 - expected) / rows + 1e-6)
    ).all()
    plain = mask(batch, Masking())["masked_weights"].sum(axis=1)
    assert set(plain) == {google_count([[i] for i in range(21)], length, 0.15, 4, rng)}


def test_word_choice_follows_google():
    """How often a word of n tokens is chosen, against Google's loop."""
    row = make_batch(1, 32, seed=10, full=True)
    row[2][:] = (row[0] < 5) | (np.random.default_rng(11).random((1, 32)) < 0.4)
    words = words_of(*(a[0] for a in row))
    times = 20_000
    many = tuple(np.repeat(a, times, axis=0) for a in row)
    hits = targets_of(many, mask(many, Masking(whole_word=True))).sum(axis=0)
    rng, expected = random.Random(12), np.zeros(32)
    for _ in range(times):
        order, used = list(words), 0
        rng.shuffle(order)
        for word in order:
            if used + len(word) <= 5:
                used += len(word)
                expected[word] += 1
    assert {len(word) for word in words} >= {1, 2, 3}
    share = expected / times
    assert (np.abs(hits - expected) <= 5 * np.sqrt(2 * times * share * (1 - share))).all()


@pytest.mark.parametrize("whole_word", [False, True])
@pytest.mark.parametrize(("span", "distribution"), [(3, "albert"), (10, "spanbert"), (5, "albert")])
def test_span_lengths(span, distribution, whole_word):
    """In long rows, where the one span a row that the budget cuts does not count."""
    masking = Masking(span=span, span_distribution=distribution, whole_word=whole_word)
    batch = make_batch(12, 32768, seed=13, examples=40)
    chosen = choose(batch, masking)
    sizes = []
    for row in range(len(chosen)):
        units = [[i] for i in range(32768) if batch[0][row, i] >= 5]
        if whole_word:
            units = words_of(*(a[row] for a in batch))
        groups = chosen[row, [unit[0] for unit in units]]
        sizes += np.unique(groups[groups > 0], return_counts=True)[1].tolist()
    weight = {"albert": lambda n: 1 / n, "spanbert": lambda n: 0.8**n}[distribution]
    expected = np.array([weight(n) for n in range(1, span + 1)])
    expected /= expected.sum()
    counts = np.bincount(sizes, minlength=span + 1)[1:]
    assert len(counts) == span
    assert np.abs(counts / len(sizes) - expected).max() < 0.01
    chi_square = ((counts - len(sizes) * expected) ** 2 / (len(sizes) * expected)).sum()
    assert chi_square < (span - 1) + 5 * np.sqrt(2 * (span - 1))


@pytest.mark.parametrize("name", ["albert", "spanbert", "word spans"])
def test_spans_stay_in_their_example(packed, name):
    chosen = choose(packed, KINDS[name])
    token_ids, padding_mask, _ = packed
    several = 0
    for row in range(len(chosen)):
        for group in set(chosen[row]) - {0}:
            positions = np.flatnonzero(chosen[row] == group)
            stretch = slice(positions[0], positions[-1] + 1)
            assert positions[0] == group - 1
            assert len(set(padding_mask[row, stretch])) == 1
            assert token_ids[row, stretch].min() >= 5
            several += len(positions) > 1
    assert several > 300


@pytest.mark.parametrize("whole_word", [False, True])
def test_a_border_without_special_tokens(whole_word):
    """Examples of 2 and 3 words end to end, told apart by padding_mask alone."""
    padding_mask = np.tile(np.array([1] * 4 + [2] * 6 + [3] * 4, "int32"), (500, 20))
    padding_mask += np.repeat(3 * np.arange(20, dtype="int32"), 14)
    token_ids = np.full_like(padding_mask, 9)
    # A word goes on where an example begins, as if its front had been cut off.
    word_starts = np.tile(np.arange(280) % 2 == 1, (500, 1))
    chosen = choose((token_ids, padding_mask, word_starts), Masking(span=4, whole_word=whole_word))
    rows, columns = np.nonzero(chosen)
    begins = chosen[rows, columns] - 1
    assert np.array_equal(padding_mask[rows, columns], padding_mask[rows, begins])
    assert np.count_nonzero(columns - begins == 3) > 300


def test_spans_longer_than_any_run_of_tokens():
    """Runs of 1 and 2 tokens, and a rate that asks for all of them."""
    token_ids = np.array([[CLS, 7, SEP, 8, 9, SEP, CLS, 10, SEP, 11, SEP, PAD]], "int32")
    padding_mask = np.array([[1] * 6 + [2] * 5 + [0]], "int32")
    masking = Masking(rate=0.9, span=10, span_distribution="spanbert")
    masked = mask((token_ids, padding_mask, None), masking)
    assert masked["masked_token_ids"][0, :5].tolist() == [7, 8, 9, 10, 11]
    assert masked["masked_weights"].sum() == 5


@pytest.mark.parametrize("masking", KINDS.values(), ids=KINDS)
def test_function_of_the_generator(batch, masking):
    first, again, other = (mask(batch, masking, seed=seed) for seed in (1, 1, 2))
    for name in first:
        assert np.array_equal(first[name], again[name])
    assert not np.array_equal(first["token_ids"], other["token_ids"])
    # Nothing else that numpy draws from is touched.
    np.random.seed(0)
    state = np.random.get_state()[1].copy()
    mask(batch, masking)
    assert np.array_equal(np.random.get_state()[1], state)


@pytest.mark.parametrize("masking", [*KINDS.values(), Masking(left_to_right=True)])
def test_nothing_to_mask(masking):
    token_ids = np.array([[CLS, SEP, PAD, PAD], [PAD] * 4, [CLS, 9, SEP, PAD]], "int32")
    padding_mask = (token_ids != PAD).astype("int32")
    word_starts = np.ones_like(token_ids, bool)
    masked = mask((token_ids, padding_mask, word_starts), masking)
    if masking.left_to_right:
        assert masked["masked_weights"].sum(axis=1).tolist() == [1, 0, 2]
    else:
        assert masked["masked_weights"].sum(axis=1).tolist() == [0, 0, 1]
        assert masked["masked_token_ids"][2, 0] == 9
    empty = tuple(a[:2] for a in (token_ids, padding_mask, word_starts))
    if not masking.left_to_right:
        assert not mask(empty, masking)["masked_weights"].any()


def test_left_to_right(packed):
    token_ids, padding_mask, _ = packed
    masked = mask(packed, Masking(left_to_right=True))
    assert np.array_equal(masked["token_ids"], token_ids)
    assert masked["masked_positions"].shape == (len(token_ids), 255)
    for row in range(len(token_ids)):
        expected = [
            (i, token_ids[row, i + 1])
            for i in range(255)
            if padding_mask[row, i] and padding_mask[row, i] == padding_mask[row, i + 1]
        ]
        count = int(masked["masked_weights"][row].sum())
        found = zip(masked["masked_positions"][row], masked["masked_token_ids"][row])
        assert list(found)[:count] == expected
        assert not masked["masked_positions"][row, count:].any()
    few = mask(packed, Masking(left_to_right=True), max_predictions=7)
    assert np.array_equal(few["masked_positions"], masked["masked_positions"][:, :7])
    assert np.array_equal(few["masked_token_ids"], masked["masked_token_ids"][:, :7])


def test_max_predictions(batch):
    assert [Masking().max_predictions(n) for n in (1, 20, 100, 128, 512)] == [1, 3, 15, 20, 77]
    assert Masking(left_to_right=True).max_predictions(128) == 127
    masked = mask(batch, Masking(), max_predictions=5)
    assert masked["masked_positions"].shape == (len(batch[0]), 5)
    assert (masked["masked_weights"].sum(axis=1) == 5).all()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"rate": 0}, "rate 0"),
        ({"rate": 1.5}, "rate 1.5"),
        ({"rate": float("nan")}, "rate nan"),
        ({"span": -1}, "span -1"),
        ({"span": 2.5}, "span 2.5"),
        ({"span_distribution": "poisson"}, "'poisson'"),
        ({"mask_share": 0.95}, "mask_share 0.95"),
        ({"random_share": -0.1}, "random_share -0.1"),
        ({"left_to_right": True, "span": 3}, "left_to_right"),
        ({"left_to_right": True, "whole_word": True}, "left_to_right"),
    ],
)
def test_bad_settings(arguments, named):
    with pytest.raises(InputError, match=named) as caught:
        Masking(**arguments)
    assert "\n" not in str(caught.value)


def test_bad_arrays():
    token_ids, padding_mask, word_starts = make_batch(2, 16)
    generator = np.random.default_rng(0)

    def call(ids=token_ids, pad=padding_mask, words=word_starts, limit=3, **settings):
        mask_batch(ids, pad, words, Masking(**settings), TOKENS, limit, generator)

    call(words=None)
    with pytest.raises(InputError, match="needs word_starts"):
        call(words=None, whole_word=True)
    with pytest.raises(InputError, match=r"word_starts of shape \(2, 15\)"):
        call(words=word_starts[:, 1:], whole_word=True)
    with pytest.raises(InputError, match=r"padding_mask of shape \(1, 16\)"):
        call(pad=padding_mask[:1])
    with pytest.raises(InputError, match="max_predictions 0"):
        call(limit=0)
    with pytest.raises(InputError, match="to 5000: the vocabulary's are 0 to 4999"):
        call(ids=np.where(token_ids == CLS, SIZE, token_ids))
    with pytest.raises(InputError, match="token ids from -1"):
        call(ids=np.where(token_ids == CLS, -1, token_ids))
    with pytest.raises(InputError, match="0 to 9"):
        MaskingVocabulary(10, 10, (0,))
    with pytest.raises(InputError, match="all of them special"):
        MaskingVocabulary(3, 0, (1, 2))
