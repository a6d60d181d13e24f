"""Cuts texts into the pieces of a vocabulary.

The work is done in Rust by the library `tokenizers`. Texts on which it departs from the original
are recognized and take the slow way through `cleaning`, so that the results are the
original's for every string, code points of every plane and lone surrogates included. What remains
open is what the original leaves open: a code point that this Python's `unicodedata` does not know
yet counts as a letter.
"""

from keras_bert.errors import InputError
from keras_bert.text import added_tokens as added
from keras_bert.text import cleaning
from keras_bert.text.encoding import Pieces
from keras_bert.text.vocabulary import SPECIAL_TOKENS, count_words


class PieceCutter:
    """From texts, or words, to the ids of their pieces; see `WordPieceTokenizer`, which checks.

    Args:
        ids: dict from token to id.
        added_tokens: tuple of `AddedToken`.
        lower_case, strip_accents, tokenize_chinese_chars: bool.
        max_chars_per_word: int.

    Attributes:
        rust: the `tokenizers.Tokenizer`.

    Raises:
        InputError: a token that every BERT has is declared to be no word piece.
    """

    def __init__(
        self, ids, added_tokens, lower_case, strip_accents, tokenize_chinese_chars,
        max_chars_per_word,
    ):  # fmt: skip
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

        not_pieces = {token.content for token in added_tokens if not token.word_piece}
        if not_pieces & set(SPECIAL_TOKENS):
            raise InputError("word_piece must be true for the tokens that every BERT has")
        self._ids = ids
        self._switches = (lower_case, strip_accents, tokenize_chinese_chars)
        self._splitter = added.Splitter(added_tokens, *self._switches) if added_tokens else None
        pieces = ids
        if not_pieces:
            pieces = {token: i for token, i in ids.items() if token not in not_pieces}
        self.rust = Tokenizer(
            models.WordPiece(pieces, unk_token="[UNK]", max_input_chars_per_word=max_chars_per_word)
        )
        self.rust.normalizer = normalizers.BertNormalizer(
            clean_text=True,
            handle_chinese_chars=tokenize_chinese_chars,
            strip_accents=strip_accents,
            lowercase=lower_case,
        )
        self.rust.pre_tokenizer = pre_tokenizers.BertPreTokenizer()

    def cut(self, texts):
        """Returns the pieces of each text: objects with `ids`, `tokens`, `offsets` and a length."""
        if isinstance(texts, (str, bytes)):
            raise InputError("expected a sequence of texts, not one text; use encode for one")
        texts = [checked(text) for text in texts]
        if self._splitter is None:
            return self._cut_plain(texts)
        split = [self._splitter.split(text) for text in texts]
        between = [
            text[start:end]
            for text, parts in zip(texts, split, strict=True)
            for start, end, token in parts
            if token is None
        ]
        plain = iter(self._cut_plain(between))
        return [self._joined(parts, plain) for parts in split]

    def count_words(self, texts):
        """Returns a Counter of the words of texts; see `WordPieceTokenizer.count_words`."""
        return count_words(self._between_added_tokens(texts), *self._switches)

    def _between_added_tokens(self, texts):
        for text in map(checked, texts):
            if self._splitter is None:
                yield text
                continue
            for start, end, token in self._splitter.split(text):
                if token is None:
                    yield text[start:end]

    def cut_words(self, words):
        """Returns the pieces of each distinct word, a dict; what gives none is [UNK]."""
        words = list(dict.fromkeys(words))
        nothing = Pieces([self._ids["[UNK]"]], ["[UNK]"], [(0, 0)], [0])
        return {
            word: pieces if len(pieces) else nothing
            for word, pieces in zip(words, self.cut(words), strict=True)
        }

    def cut_sentences(self, sentences):
        """Returns the `Pieces` of each list of words."""
        sentences = list(sentences)
        for number, sentence in enumerate(sentences, start=1):
            if not isinstance(sentence, (list, tuple)):
                raise InputError(
                    f"sentence {number}: is_split_into_words takes lists of words, not "
                    f"{sentence!r:.60}"
                )
        pieces = self.cut_words(checked(word) for sentence in sentences for word in sentence)
        found = []
        for sentence in sentences:
            joined = Pieces([], [], [], [])
            for number, word in enumerate(sentence):
                part = pieces[word]
                joined.ids += part.ids
                joined.tokens += part.tokens
                joined.offsets += part.offsets
                joined.word_ids += [number] * len(part)
            found.append(joined)
        return found

    def _joined(self, parts, plain):
        """Returns the `Pieces` of a text of the stretches that it was split into."""
        if len(parts) == 1 and parts[0][2] is None:
            return next(plain)
        pieces = Pieces([], [], [], [])
        for start, end, token in parts:
            if token is None:
                pieces.append(next(plain), start)
            else:
                one = [self._ids[token.content]], [token.content], [(0, end - start)], [0]
                pieces.append(Pieces(*one), start)
        return pieces

    def _cut_plain(self, texts):
        """Returns the pieces of each text; added tokens are text like any other."""
        different = [bool(cleaning.DIFFERENT.search(text)) for text in texts]
        usual = [text for text, slow in zip(texts, different, strict=True) if not slow]
        fast = iter(self.rust.encode_batch(usual, add_special_tokens=False))
        return [
            self.cut_exactly(text) if slow else next(fast)
            for text, slow in zip(texts, different, strict=True)
        ]

    def cut_exactly(self, text):
        """Cuts a text that the Rust normalizer would treat differently from the original."""
        pieces = Pieces([], [], [], [])
        for number, (word, origins) in enumerate(cleaning.split_words(text, *self._switches)):
            start = 0
            for token_id, token in self.cut_word(word):
                if token == "[UNK]":
                    end = len(word)
                else:
                    end = start + len(token) - (2 if start else 0)
                pieces.ids.append(token_id)
                pieces.tokens.append(token)
                pieces.word_ids.append(number)
                pieces.offsets.append((origins[start], origins[end - 1] + 1))
                start = end
        return pieces

    def cut_word(self, word):
        """Returns the (id, token) of each piece of a normalized word."""
        try:
            return [(token.id, token.value) for token in self.rust.model.tokenize(word)]
        except UnicodeEncodeError:  # A lone surrogate, which no UTF-8 vocabulary can spell.
            return [(self._ids["[UNK]"], "[UNK]")]


def checked(text):
    """Returns the text if it is one."""
    if not isinstance(text, str):
        raise InputError(f"a text must be a string, not {type(text).__name__}: {text!r:.60}")
    return text
