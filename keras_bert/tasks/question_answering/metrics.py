"""The official scores of extractive question answering: SQuAD 1.1, SQuAD 2.0 and CMRC 2018.

All are percentages. A prediction is a str, or None for a question without a prediction;
the references of a question are a list of str.
"""

import collections
import json
import os
import re
import string

from keras_bert.errors import InputError

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
# The punctuation that CMRC 2018's script removes, without "……", which no single character equals.
_NO_CHINESE_PUNCTUATION = str.maketrans(
    "", "", "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』"
)
_HAN = re.compile("([\u4e00-\u9fa5])")


def normalize(text):
    """Returns a text as SQuAD compares it: lower case, no ASCII punctuation, no articles.

    Source: evaluate-v1.1.py and evaluate-v2.0.py, normalize_answer.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def word_f1(reference, prediction):
    """Returns the F1 of two lists of words as bags, 0 to 1; 0 where they share none."""
    shared = sum((collections.Counter(reference) & collections.Counter(prediction)).values())
    if not shared:
        return 0.0
    # Step by step as the scripts do, so that the last digit is the same too.
    precision, recall = shared / len(prediction), shared / len(reference)
    return 2 * precision * recall / (precision + recall)


def squad1_scores(predictions, references):
    """Scores answers to questions that all have one.

    Args:
        predictions: list of str or None, which counts as wrong.
        references: list of lists of str, one for each prediction, none of them empty.

    Returns:
        A dict of `exact_match` and `f1`, percentages, and `total`.

    Source: evaluate-v1.1.py, whose figures these are to the last digit.
    """
    exact, f1 = 0, 0.0
    for prediction, texts in zip(predictions, references, strict=True):
        if prediction is None:
            continue
        predicted, wanted = normalize(prediction), [normalize(text) for text in texts]
        exact += predicted in wanted
        f1 += max(word_f1(text.split(), predicted.split()) for text in wanted)
    total = len(predictions)
    return {"exact_match": 100.0 * exact / total, "f1": 100.0 * f1 / total, "total": total}


def squad2_raw_scores(prediction, references):
    """Returns (exact, f1) of one answer, 0 to 1, where "" means that the passage has none.

    Source: evaluate-v2.0.py, get_raw_scores.
    """
    if prediction is None:
        return 0, 0.0
    predicted = normalize(prediction)
    wanted = [text for text in map(normalize, references) if text] or [""]
    if not predicted:
        agrees = int("" in wanted)
        return agrees, float(agrees)
    f1 = max(word_f1(text.split(), predicted.split()) for text in wanted)
    return int(predicted in wanted), f1


def squad2_scores(predictions, references, odds=None, threshold=1.0):
    """Scores answers to questions some of which have none.

    Args:
        predictions: list of str; "" means that there is no answer; None counts as wrong (the
            official script stops at it).
        references: list of lists of str, empty for a question without an answer.
        odds: list of float, the scores of no answer; None where they are not known.
        threshold: float, answers with higher `odds` count as "".

    Returns:
        A dict of `exact`, `f1` and `total`; the same with the prefixes `HasAns_` and `NoAns_` over
        the questions with and without an answer, where there are any; and where `odds` are given
        `best_exact`, `best_exact_thresh`, `best_f1` and `best_f1_thresh`: see `best_threshold`.

    Source: evaluate-v2.0.py, main.
    """
    raw = [squad2_raw_scores(*pair) for pair in zip(predictions, references, strict=True)]
    has_answer = [bool(texts) for texts in references]
    odds_or_zeros = [0.0] * len(raw) if odds is None else odds
    final = [
        (float(not has), float(not has)) if odd > threshold and prediction is not None else pair
        for pair, odd, has, prediction in zip(
            raw, odds_or_zeros, has_answer, predictions, strict=True
        )
    ]
    scores = _means(final, "")
    for prefix, side in (("HasAns_", True), ("NoAns_", False)):
        part = [pair for pair, has in zip(final, has_answer) if has is side]
        scores.update(_means(part, prefix) if part else {})
    if odds is not None:
        for i, name in enumerate(("best_exact", "best_f1")):
            best = best_threshold(predictions, [pair[i] for pair in raw], odds, has_answer)
            scores[name], scores[f"{name}_thresh"] = best
    return scores


def _means(pairs, prefix):
    return {
        f"{prefix}exact": 100.0 * sum(exact for exact, _ in pairs) / len(pairs),
        f"{prefix}f1": 100.0 * sum(f1 for _, f1 in pairs) / len(pairs),
        f"{prefix}total": len(pairs),
    }


def best_threshold(predictions, scores, odds, has_answer):
    """Searches the threshold above which no answer is the better answer.

    Args:
        predictions: list of str or None.
        scores: list of float, 0 to 1, the raw score of each prediction.
        odds: list of float, the scores of no answer.
        has_answer: list of bool.

    Returns:
        A tuple (best score in percent, threshold). As in the script the threshold is 0.0 where it
        is best to answer nothing, and equal odds are taken one after the other.

    Source: evaluate-v2.0.py, find_best_thresh.
    """
    best = current = sum(not has for has in has_answer)
    threshold = 0.0
    for i in sorted(range(len(odds)), key=odds.__getitem__):
        if has_answer[i]:
            current += scores[i]
        elif predictions[i]:
            current -= 1
        if current > best:
            best, threshold = current, odds[i]
    return 100.0 * best / len(scores), threshold


def chinese_scores(predictions, references):
    """Scores answers in Chinese, character by character.

    Args:
        predictions: list of str or None, which counts as wrong.
        references: list of lists of str, none of them empty.

    Returns:
        A dict of `exact_match` and `f1`, percentages, and `total`.

    Source: cmrc2018_evaluate.py (ymcui/cmrc2018), v5; DRCD is scored by it too.
    """
    exact, f1 = 0, 0.0
    for prediction, texts in zip(predictions, references, strict=True):
        if prediction is None:
            continue
        stripped = _strip_chinese(prediction)
        exact += stripped in [_strip_chinese(text) for text in texts]
        segments = chinese_segments(prediction)
        f1 += max(_substring_f1(chinese_segments(text), segments) for text in texts)
    total = len(predictions)
    return {"exact_match": 100.0 * exact / total, "f1": 100.0 * f1 / total, "total": total}


def _strip_chinese(text):
    return text.lower().strip().translate(_NO_CHINESE_PUNCTUATION)


def chinese_segments(text):
    """Returns the units of CMRC's F1: each Chinese character, and the words between them.

    Source: cmrc2018_evaluate.py, mixed_segmentation(rm_punc=True).
    """
    segments = []
    for part in _HAN.split(_strip_chinese(text)):
        segments += [part] if _HAN.fullmatch(part) else _words(part)
    return segments


def _substring_f1(reference, prediction):
    """Returns the F1 whose matches are the longest run of units that the two share."""
    longest, row = 0, [0] * (len(prediction) + 1)
    for unit in reference:
        runs = (run + 1 if unit == other else 0 for run, other in zip(row, prediction))
        row = [0, *runs]
        longest = max(longest, *row)
    if not longest:
        return 0.0
    precision, recall = longest / len(prediction), longest / len(reference)
    return 2 * precision * recall / (precision + recall)


# The script cuts the rest with nltk's word tokenizer, that is by the rules of the Penn Treebank
# (R. MacIntyre's tokenizer.sed), in this order. Those for characters that are removed before are
# left out, and so is the splitting into sentences, which could only separate a full stop from a
# word inside.
_TREEBANK = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"([«‘„])", r" \1 "),
        (r'^"', " `` "),
        (r"(?<=[ (\[{<])(?:\"|'')", " `` "),
        (r"(?<!\w)'(?!(?:re|ve|ll|m|t|s|d|n)\b)(?=\w)", "' "),
        (r"(?<=[^.])\.(?=[\])}>\"'» ]*\s*$)", " . "),
        (r",([^\d])", r" , \1"),
        (r",$", " , "),
        (r"(\.{2,}|[;@#$%&?!\u2012-\u2015])", r" \1 "),
        (r"([^'])' ", r"\1 ' "),
        (r"([()\[\]{}<>])", r" \1 "),
        (r"$", " "),
        (r"(»)", r" \1 "),
        (r"''|\"", " '' "),
        (r"\s+", " "),
        (r"([^' ])('[smd]|') ", r"\1 \2 "),
        (r"([^' ])('ll|'re|'ve|n't) ", r"\1 \2 "),
        (r"\b(?:(can)(not)|(gim|lem)(me)|(gon)(na)|(got)(ta)|(d)('ye)|(more)('n))\b",
         r" \1\3\5\7\9\g<11> \2\4\6\8\g<10>\g<12> "),
        (r"\b(wan)(na)(?=\s)", r" \1 \2 "),
        (r" ('t)(is|was)\b", r" \1 \2 "),
    )
]  # fmt: skip


def _words(text):
    for pattern, replacement in _TREEBANK:
        text = pattern.sub(replacement, text)
    return text.split()


def read_predictions(path):
    """Reads predictions in the official layout: one JSON object from question id to answer.

    Args:
        path: the file, gzip'd or not.

    Returns:
        A dict from id to answer, both str.

    Raises:
        InputError: the file is not of that layout; names it and the entry.
    """
    from keras_bert.tasks.question_answering.squad_files import read_content

    path = os.fspath(path)
    try:
        predictions = json.loads(read_content(path))
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a readable JSON file: {error}") from None
    if not isinstance(predictions, dict) or not predictions:
        raise InputError(f'{path}: must be a JSON object {{"question id": "answer", …}}')
    for question_id, text in predictions.items():
        if not isinstance(text, str):
            raise InputError(f"{path}: id {question_id[:60]!r}: {text!r:.60} is not a text")
    return predictions


def predictions_of(text_of_id, questions):
    """Puts predictions in the order of the questions.

    Args:
        text_of_id: dict from id to answer.
        questions: `squad_files.Questions`.

    Returns:
        A tuple: list of str, or None where a question has no prediction; number of those;
        number of predictions of ids that are not among the questions.

    Raises:
        InputError: no question has a prediction.
    """
    texts = [text_of_id.get(question_id) for question_id in questions.ids]
    missing = texts.count(None)
    if missing == len(texts):
        raise InputError(
            f"{questions.path}: none of its {len(texts)} questions has a prediction: these are "
            f"predictions for another file (one of their ids is "
            f"{next(iter(text_of_id), '')[:60]!r})"
        )
    return texts, missing, len(text_of_id.keys() - set(questions.ids))
