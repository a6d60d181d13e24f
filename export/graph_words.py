"""The words that a tagger labels, found in raw text by a TensorFlow graph.

The same words as `keras_bert.tasks.tagging.words.words_of`, whose patterns are here written for
TensorFlow's regular expressions (RE2): these look neither ahead nor back. So each character is
first replaced by one that stands for its kind, and what depends on neighbours, an apostrophe
between letters, has a kind of its own.
"""

import tensorflow as tf

from keras_bert.text.graph_characters import decoded, encoded, masked

# Kinds of characters beyond ASCII. All letters, signs and digits of ASCII stand for themselves.
_LETTER, _DIGIT, _MARK, _CONTROL, _ALONE = "é", "٠", "\u0301", "\u200b", "、"
_CURLY = "’"
# Apostrophes inside of a word.
_INNER, _INNER_CURLY = "‛", "‵"
_INNERS = _INNER + _INNER_CURLY
_AFTER = f"[{_MARK}{_CONTROL}]*"
_SIGNS = r"!-/:-@\[-`{-~"  # of ASCII
_PLAIN = f"[0-9A-Za-z{_LETTER}{_DIGIT}{_MARK}{_CONTROL}]"
_REPEATED = "|".join(f"{sign}{sign}+" for sign in (r"\.", "!", r"\?", r"\*", "=", "_", "-"))
# `words._WHOLE`, alternative by alternative.
_WHOLE = (
    rf"(?:https?://|www\.)[!-~{_INNER}]*[A-Za-z0-9/]"
    r"|[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
    r"|[@#][A-Za-z_][A-Za-z0-9_]*"
    r"|(?:[A-Za-z]\.){2,}"
    rf"|[0-9{_DIGIT}]+(?:[.,:/][0-9{_DIGIT}]+)+"
    rf"|{_REPEATED}"
    rf"|^['{_CURLY}](?:s|m|d|re|ve|ll)$"
)
# A word that is found whole, or a run of letters, between its signs; one of the two is empty.
_PARTS = (
    f"((?:{_WHOLE}){_AFTER}|[{_SIGNS}{_CURLY}{_ALONE}{_INNERS}]{_AFTER})"
    f"|({_PLAIN}[{_PLAIN[1:-1]}{_INNERS}]*)"
)
_WORD, _RUN, _CLOSE = "\x02", "\x03", "\x04"
_MARKED = f"{_WORD}\\1{_CLOSE}{_RUN}\\2{_CLOSE}"
# `words._ENDING`, of which this is the first sign, then letters in lower case.
_ENDINGS = ("s", "m", "d", "re", "ve", "ll")


def words_in(texts, flags):
    """Finds the words of texts.

    Args:
        texts: string tensor, (batch,), UTF-8.
        flags: `CharacterFlags`.

    Returns:
        A tuple: int32 RaggedTensor (batch, characters), the code points of the texts; int32
        RaggedTensors (batch, words), the first character of each word and the one after its last.
    """
    codes = decoded(texts)
    kinds = codes.with_values(_kinds(codes, flags))
    rows = codes.value_rowids()
    # Chunks between spaces, each a string.
    spaces = kinds.values == ord(" ")
    before = tf.concat([[True], spaces[:-1] | (rows[1:] != rows[:-1])], axis=0)[: tf.size(rows)]
    begins = before & ~spaces
    chunked, place = masked(kinds, ~spaces)
    number = tf.cumsum(tf.cast(tf.gather(begins, place), tf.int32)) - 1
    count = tf.reduce_sum(tf.cast(begins, tf.int32))
    chunks = tf.RaggedTensor.from_value_rowids(chunked.values, number, nrows=count, validate=False)
    found = tf.strings.regex_replace(encoded(chunks), _PARTS, _MARKED)
    signs = tf.strings.unicode_decode(found, "UTF-8").values
    is_run, closes = signs == ord(_RUN), signs == ord(_CLOSE)
    opens = is_run | (signs == ord(_WORD))
    index = tf.cumsum(tf.cast(~(opens | closes), tf.int32), exclusive=True)
    starts, ends = tf.boolean_mask(index, opens), tf.boolean_mask(index, closes)
    is_run = tf.boolean_mask(is_run, opens)
    filled = starts < ends
    starts, ends, is_run = (tf.boolean_mask(each, filled) for each in (starts, ends, is_run))
    starts, ends = _split_runs(chunked.values, starts, ends, is_run)
    # From characters of all chunks to those of one text.
    word_rows = tf.gather(rows, tf.gather(place, starts))
    row_starts = tf.gather(codes.row_splits, word_rows)
    starts, ends = (
        tf.gather(place, starts) - row_starts,
        tf.gather(place, ends - 1) + 1 - row_starts,
    )
    starts = tf.RaggedTensor.from_value_rowids(
        starts, word_rows, nrows=codes.nrows(), validate=False
    )
    return codes, starts, starts.with_values(ends)


def _kinds(codes, flags):
    """Returns the code point that stands for each character, of the shape of `codes.values`."""
    values, found = codes.values, flags(codes.values)
    is_ascii = values < 0x80
    kinds = tf.fill(tf.shape(values), ord(_LETTER))
    # The order is that in which `words_of` asks.
    for name, kind in (("digit", _DIGIT), ("mark", _MARK), ("control", _CONTROL)):
        kinds = tf.where(found(name), ord(kind), kinds)
    alone = found("punctuation") | found("cjk")
    kinds = tf.where(alone, tf.where(values == ord(_CURLY), ord(_CURLY), ord(_ALONE)), kinds)
    kinds = tf.where(is_ascii & ~found("control"), values, kinds)
    kinds = tf.where(found("space"), ord(" "), kinds)
    rows, alpha = codes.value_rowids(), found("alpha")
    after = alpha[1:] & (rows[1:] == rows[:-1])
    before = alpha[:-1] & (rows[1:] == rows[:-1])
    edge = tf.zeros_like(rows[:1], tf.bool)
    inner = tf.concat([after, edge], axis=0) & tf.concat([edge, before], axis=0)
    kinds = tf.where(inner & (values == ord("'")), ord(_INNER), kinds)
    return tf.where(inner & (values == ord(_CURLY)), ord(_INNER_CURLY), kinds)


def _split_runs(kinds, starts, ends, is_run):
    """Cuts control characters off runs of letters, and runs before their English endings.

    Args:
        kinds: int32 tensor of shape (characters,).
        starts, ends: int32 tensors of shape (parts,), where each part of `_PARTS` lies.
        is_run: bool tensor of shape (parts,).

    Returns:
        starts, ends: int32 tensors of shape (words,), in order.
    """
    control = kinds == ord(_CONTROL)
    others = tf.concat([[0], tf.cumsum(tf.cast(~control, tf.int32))], axis=0)
    # The characters that are not control characters.
    places = tf.cast(tf.where(~control)[:, 0], tf.int32)
    rank_first, rank_end = tf.gather(others, starts), tf.gather(others, ends)
    kept = ~is_run | (rank_end > rank_first)
    padded = tf.concat([places, [0]], axis=0)
    first = tf.gather(padded, rank_first)
    last = tf.gather(padded, tf.maximum(rank_end - 1, 0))
    starts = tf.boolean_mask(tf.where(is_run, first, starts), kept)
    ends = tf.boolean_mask(tf.where(is_run, last + 1, ends), kept)
    is_run = tf.boolean_mask(is_run, kept)
    padded = tf.concat([[0, 0, 0], kinds], axis=0)
    lower = tf.where((padded >= ord("A")) & (padded <= ord("Z")), padded + 32, padded)

    def begin_of(ends):
        """Returns where the ending begins that ends there, or the end itself."""
        third, second, first = (tf.gather(lower, ends + i) for i in range(3))
        inner = [(sign == ord(_INNER)) | (sign == ord(_INNER_CURLY)) for sign in (third, second)]
        long = (third == ord("n")) & inner[1] & (first == ord("t"))
        short = tf.zeros_like(long)
        for letters in _ENDINGS:
            if len(letters) == 1:
                short |= inner[1] & (first == ord(letters))
            else:
                a, b = map(ord, letters)
                long |= inner[0] & (second == a) & (first == b)
        return ends - tf.where(long, 3, tf.where(short, 2, 0))

    def cut(ends, cuts, _):
        begins = begin_of(ends)
        more = is_run & (begins < ends) & (begins > starts)
        places = tf.boolean_mask(begins, more)
        ones = tf.ones_like(places)
        cuts = tf.tensor_scatter_nd_max(cuts, places[:, None], ones)
        return tf.where(more, begins, ends), cuts, tf.reduce_any(more)

    cuts = tf.zeros_like(kinds)
    _, cuts, _ = tf.while_loop(lambda *state: state[2], cut, (ends, cuts, tf.constant(True)))
    # A word begins at each start and at each cut, and ends where the next begins in its part.
    begins = tf.tensor_scatter_nd_max(cuts, starts[:, None], tf.ones_like(starts))
    finishes = tf.tensor_scatter_nd_max(
        tf.concat([cuts, [0]], axis=0), ends[:, None], tf.ones_like(ends)
    )
    return tuple(tf.cast(tf.where(places > 0)[:, 0], tf.int32) for places in (begins, finishes))
