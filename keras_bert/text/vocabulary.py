"""WordPiece vocabularies: read from a file, checked, judged for case, trained from text."""

import collections
import os

from keras_bert.errors import InputError
from keras_bert.guesses import guess
from keras_bert.reading import VOCABULARY_LIMIT, read_bytes
from keras_bert.stand_ins import check_is_itself
from keras_bert.text import cleaning

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
MAX_CHARS_PER_WORD = 200

# Counted words are handed to the trainer in texts of at most so many repetitions.
_REPETITIONS_PER_TEXT = 1000


def load_vocabulary(path, is_ours=False):
    """Reads a vocabulary file: one token a line, the line's number (from 0) is the token's id.

    Other characters stay, since real vocabularies hold tokens such as U+2028. A blank line
    is a token that no text has. Of a token that is there twice, the last id counts.

    Args:
        path: path of a UTF-8 text file.
        is_ours: whether this package wrote it, so that its doubled tokens have been said.

    Returns:
        list of str, the tokens in the order of their ids.

    Raises:
        InputError: no such file, not UTF-8, empty, or a special token missing.

    Source: google-research/bert tokenization.py, load_vocab; transformers has the same.
    """
    path = os.fspath(path)
    try:
        content = read_bytes(path, VOCABULARY_LIMIT, "vocabulary")
    except OSError as error:
        raise InputError(f"{path}: cannot read the vocabulary: {error.strerror}") from error
    check_is_itself(path, content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}, line {line}: not UTF-8 (byte 0x{content[error.start]:02x}); "
            "save the vocabulary as UTF-8"
        ) from error
    if not text:
        raise InputError(f"{path}: the vocabulary is empty; expected one token a line")
    # Line ends as Python reads them in text files, and so as transformers has them.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    vocabulary = text.removesuffix("\n").split("\n")
    if not is_ours:
        vocabulary = _without_spaces(vocabulary, path)
    check_vocabulary(vocabulary, path)
    if not is_ours:
        _say_doubled(vocabulary, path)
    return vocabulary


def _without_spaces(vocabulary, path):
    """Takes off the spaces and tabs that lines end in, as `tokenizers` and the original do."""
    trimmed = [token.rstrip(" \t") or token for token in vocabulary]
    lines = [i for i, pair in enumerate(zip(vocabulary, trimmed), start=1) if pair[0] != pair[1]]
    if lines:
        more = f", and {len(lines) - 1} more lines" if len(lines) > 1 else ""
        guess(
            "the spaces at the line's end are no part of the token" + more,
            place=f"{path}, line {lines[0]}",
        )
    return trimmed


def _say_doubled(vocabulary, path):
    lines, doubled = {}, []
    for line, token in enumerate(vocabulary, start=1):
        if token in lines and token:
            doubled.append((line, token, lines[token]))
        lines[token] = line
    if doubled:
        line, token, before = doubled[0]
        more = f", and so for {len(doubled) - 1} more" if len(doubled) > 1 else ""
        guess(
            f"the token {token!r} is on line {before} too: the last line is its id, as in "
            f"transformers{more}",
            place=f"{path}, line {line}",
        )


def check_vocabulary(vocabulary, name="vocabulary"):
    """Raises InputError, naming `name`, if a special token is missing.

    [MASK] may be missing: it is needed only where it is used.
    """
    for token in SPECIAL_TOKENS[:4]:
        if token not in vocabulary:  # they are among the first lines, so a list is quick enough
            raise InputError(
                f"{name}: none of its {len(vocabulary)} lines is the token {token}; "
                "a BERT vocabulary needs [PAD], [UNK], [CLS] and [SEP]"
            )


def guess_lower_case(vocabulary):
    """Says whether a vocabulary is meant for lower-cased text.

    Args:
        vocabulary: iterable of str.

    Returns:
        bool: True if no token but those in brackets ([CLS], [unused1], <S>) has a capital letter.
    """
    return not any(
        token != token.lower()
        for token in vocabulary
        if not (token.startswith(("[", "<")) and token.endswith(("]", ">")))
    )


def train_vocabulary(
    texts,
    size,
    lower_case=True,
    strip_accents=None,
    tokenize_chinese_chars=True,
    min_frequency=2,
    max_characters=6000,
):
    """Trains a WordPiece vocabulary; the same texts, in any order, always give the same one.

    Args:
        texts: iterable of str, read once.
        size: int, the number of tokens wanted; fewer come back if the texts do not hold so many.
        lower_case: whether to lower the case first.
        strip_accents: whether to drop accents first; None means the same as `lower_case`.
        tokenize_chinese_chars: whether each CJK ideograph is a word by itself.
        min_frequency: int, how often a character or a pair of pieces must occur to count.
        max_characters: int, the alphabet keeps at most so many characters, the frequent first.

    Returns:
        list of str: [PAD] [UNK] [CLS] [SEP] [MASK], the characters, the characters inside words
        (##x), then the longer pieces in the order in which they were learned.

    Raises:
        InputError: `size` leaves no room for any character, or the texts hold no words.
    """
    switches = (lower_case, lower_case if strip_accents is None else strip_accents)
    words = count_words(texts, *switches, tokenize_chinese_chars)
    if not words:
        raise InputError("the texts hold no words; a vocabulary cannot be trained from them")
    room = size - len(SPECIAL_TOKENS)
    starts, insides = _alphabet(words, min_frequency, max_characters, room)
    if not starts:
        raise InputError(f"size {size} is too small for a vocabulary: no character fits in")
    reserved = [*SPECIAL_TOKENS, *insides]
    learned = _train(words, size, min_frequency, reserved, starts)
    known = {*reserved, *starts}
    return [*SPECIAL_TOKENS, *starts, *insides, *(t for t in learned if t not in known)]


def count_words(texts, lower_case, strip_accents, tokenize_chinese_chars):
    """Counts the words of texts, as they are before they are cut into pieces.

    Args:
        texts: iterable of str, read once.
        lower_case, strip_accents, tokenize_chinese_chars: bool, see `WordPieceTokenizer`.

    Returns:
        A Counter of normalized words, those that no vocabulary can spell left out.
    """
    from tokenizers import normalizers, pre_tokenizers

    normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=tokenize_chinese_chars,
        strip_accents=strip_accents,
        lowercase=lower_case,
    )
    switches = (lower_case, strip_accents, tokenize_chinese_chars)
    words, chunks = collections.Counter(), collections.Counter()
    for text in texts:
        if cleaning.DIFFERENT.search(text):
            words.update(word for word, _ in cleaning.split_words(text, *switches))
        else:
            chunks.update(normalizer.normalize_str(text).split())
    # Punctuation is split once for each different chunk, not once for each occurrence.
    split = pre_tokenizers.BertPreTokenizer()
    for chunk, count in chunks.items():
        for word, _ in split.pre_tokenize_str(chunk):
            words[word] += count
    return collections.Counter({w: n for w, n in words.items() if _can_be_known(w)})


def _can_be_known(word):
    """Whether a word can be cut into pieces at all: not too long, and encodable as UTF-8."""
    surrogate = any("\ud800" <= char <= "\udfff" for char in word)
    return len(word) <= MAX_CHARS_PER_WORD and not surrogate


def _alphabet(words, min_frequency, max_characters, room):
    """Returns the sorted characters and ##characters that are common enough and fit."""
    total, inside = collections.Counter(), set()
    for word, count in words.items():
        for char in word:
            total[char] += count
        inside.update(word[1:])
    ranked = sorted(total.items(), key=lambda item: (-item[1], item[0]))
    starts, insides = [], []
    for char, count in ranked[:max_characters]:
        needed = 2 if char in inside else 1
        if count < min_frequency or len(starts) + len(insides) + needed > room:
            break
        starts.append(char)
        if char in inside:
            insides.append("##" + char)
    return sorted(starts), sorted(insides)


def _train(words, size, min_frequency, reserved, alphabet):
    """Runs the trainer of `tokenizers`; returns its vocabulary in the order of the ids.

    The trainer gives ids to ##characters as it meets them while walking a randomly seeded hash
    table, and breaks ties between pairs by id, so two runs differ. With all of them reserved as
    special tokens, in sorted order, nothing is left to chance.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=min_frequency,
        special_tokens=reserved,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_repeat(words), trainer)
    ids = tokenizer.get_vocab()
    return sorted(ids, key=ids.get)


def _repeat(words):
    """Yields texts in which each word occurs as often as it was counted."""
    for word, count in words.items():
        full, rest = divmod(count, _REPETITIONS_PER_TEXT)
        for repetitions in [_REPETITIONS_PER_TEXT] * full + [rest]:
            yield (word + " ") * repetitions
