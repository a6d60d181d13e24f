"""Added tokens in a TensorFlow graph: each becomes a private character before words are cut.

The last plane of Unicode is for private use, and no vocabulary has its characters. So a text's own
become another private character first, with which a word is [UNK] all the same; then each added
token is a word of one character, which no other step changes.
"""

import re

import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.text.added_tokens import SPACES, Splitter, longest_first

FIRST_PRIVATE, _LAST = 0x100000, 0x10FFFD
_OPEN, _CLOSE = chr(_LAST - 1), chr(_LAST)


class AddedTokensInGraph:
    """Finds added tokens in texts, and maps their word pieces back to their ids.

    Args:
        tokenizer: `WordPieceTokenizer`.

    Attributes:
        vocabulary: list of str for the word pieces, without doubled tokens.
        any: whether there is an added token.
        free: str, the character that takes the place of a text's own private ones.

    Raises:
        InputError: a token counts by itself only, or the vocabulary has private characters.
    """

    def __init__(self, tokenizer):
        tokens = tokenizer.added_tokens
        last = {token: index for index, token in enumerate(tokenizer.vocabulary)}
        private = [chr(FIRST_PRIVATE + number) for number in range(len(tokens))]
        self._check(tokenizer, tokens)
        not_pieces = {token.content for token in tokens if not token.word_piece}
        self.vocabulary = list(tokenizer.vocabulary)
        if len(last) < len(self.vocabulary) or tokens:
            # Blank ones are never found; one that is not a piece must not be found in words.
            self.vocabulary = [
                token if last[token] == index and token not in not_pieces else ""
                for index, token in enumerate(self.vocabulary)
            ]
        self._ids = None
        blanks = self.vocabulary.count("") > 1
        if tokens or blanks:
            kept = [(token, i) for i, token in enumerate(self.vocabulary) if token]
            kept += [(char, last[token.content]) for char, token in zip(private, tokens)]
            self.vocabulary = [token for token, _ in kept]
            self._ids = [index for _, index in kept]
        raw = [(t, t.content, char) for t, char in zip(tokens, private) if not t.normalized]
        splitter = Splitter((), tokenizer.lower_case, tokenizer.strip_accents, False)
        by_normalized = {}
        for token, char in zip(tokens, private):
            if token.normalized:
                content = splitter.normalized(token.content)
                by_normalized.setdefault(content, (token, content, char))
        known = {char for token in tokenizer.vocabulary for char in token}
        self.free = next(c for c in map(chr, range(0xF8FF, 0xDFFF, -1)) if c not in known)
        self.any = bool(tokens)
        self._raw, self._normalized = _patterns(raw), _patterns(by_normalized.values())

    def _check(self, tokenizer, tokens):
        for token in tokens:
            if token.single_word:
                raise InputError(
                    f"the added token {token.content!r} has single_word true: a TensorFlow graph "
                    f"cannot find it; export the model as .tflite or .onnx"
                )
        if len(tokens) > _LAST - FIRST_PRIVATE - 2:
            raise InputError(f"{len(tokens)} added tokens are too many for a TensorFlow graph")
        private = {
            char for token in tokenizer.vocabulary for char in token if ord(char) >= FIRST_PRIVATE
        }
        if tokens and private:
            raise InputError(
                "the vocabulary has private characters of Unicode's last plane: added tokens "
                "cannot be found in a TensorFlow graph"
            )

    def find_raw(self, codes):
        """Returns where the tokens are that are looked for in the text as it is.

        Args:
            codes: int32 RaggedTensor (batch, characters), without private ones of the last plane.

        Returns:
            A tuple of int32 tensors of shape (tokens found,): the first and last character of
            each, indices into `codes.values`, and its private character.
        """
        return _found(codes, self._raw)

    def find_normalized(self, codes):
        """Returns the same of those that are looked for in normalized text."""
        return _found(codes, self._normalized)

    def ids(self, pieces):
        """Returns the tokens' ids, of an int32 tensor of numbers in `vocabulary`."""
        return pieces if self._ids is None else tf.gather(tf.constant(self._ids, tf.int32), pieces)


def _patterns(found):
    """Returns a pattern for any of the tokens, and one for each with its private character.

    The first finds the leftmost, and the longest there, and puts it between two signs; then the
    order of the others does not matter.
    """
    written = {}
    for token, content, char in found:
        before = f"[{SPACES}]*" if token.lstrip else ""
        after = f"[{SPACES}]*" if token.rstrip else ""
        written[content] = (f"{before}{_quoted(content)}{after}", char)
    if not written:
        return None
    any_of = "|".join(written[content][0] for content in longest_first(written))
    each = [(f"{_OPEN}{pattern}{_CLOSE}", f" {char} ") for pattern, char in written.values()]
    return f"({any_of})", each


def _quoted(content):
    # RE2 knows no escape of a letter or a sign beyond ASCII.
    return "".join(re.escape(char) if char < "\x80" else char for char in content)


def _found(codes, patterns):
    """Returns first character, last character and private character of each match."""
    if patterns is None:
        return [tf.zeros([0], tf.int32)] * 3
    any_of, each = patterns
    texts = tf.strings.unicode_encode(codes, "UTF-8")
    marked = tf.strings.regex_replace(texts, any_of, f"{_OPEN}\\1{_CLOSE}")
    signs = tf.strings.unicode_decode(marked, "UTF-8").values
    opens, closes = signs == ord(_OPEN), signs == ord(_CLOSE)
    # The signs are no characters of the text.
    index = tf.cumsum(tf.cast(~(opens | closes), tf.int32), exclusive=True)
    for pattern, char in each:
        marked = tf.strings.regex_replace(marked, pattern, char)
    chars = tf.strings.unicode_decode(marked, "UTF-8").values
    private = tf.constant([ord(char.strip()) for _, char in each])
    chars = tf.boolean_mask(chars, tf.reduce_any(chars[:, None] == private, axis=1))
    return tf.boolean_mask(index, opens), tf.boolean_mask(index, closes) - 1, chars
