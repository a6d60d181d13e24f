"""WordPiece tokenization: text to token ids with character offsets, as the original BERT does it.

The contract is `tokenization.py` of google-research/bert, not that of any later library:

* Control and format characters, NUL and U+FFFD are dropped; whitespace ends a word.
* CJK ideographs and punctuation (Unicode P*, and every ASCII sign) are words by themselves.
* Lower-casing is that of Python's `str.lower`, final sigma included; accents are dropped by NFD.
* A word of more than 200 characters, or one that the vocabulary cannot spell, is [UNK].
* "[MASK]" or "[CLS]" inside a text is ordinary text; `encode_with_mask` is the one exception.

Other tokens that a checkpoint's tokenizer files declare (`added_tokens`) are kept whole, as
transformers keeps them.
"""

import re

import numpy as np

from keras_bert.errors import InputError
from keras_bert.text import added_tokens as added
from keras_bert.text import targets
from keras_bert.text.cutting import PieceCutter, checked
from keras_bert.text.encoding import Encoding, Pieces, assemble, truncated_lengths
from keras_bert.text.vocabulary import (
    MAX_CHARS_PER_WORD,
    check_vocabulary,
    guess_lower_case,
    load_vocabulary,
    train_vocabulary,
)

__all__ = [
    "Encoding",
    "WordPieceTokenizer",
    "guess_lower_case",
    "load_vocabulary",
    "train_vocabulary",
    "truncated_lengths",
]

_MASK_OR_TEXT = re.compile(r"\[MASK\]|(?:(?!\[MASK\]).)+", re.DOTALL)


class WordPieceTokenizer:
    """Cuts text into the pieces of a vocabulary and numbers them.

    Args:
        vocabulary: list of str, the tokens in the order of their ids.
        lower_case: whether to lower the case first.
        strip_accents: whether to drop accents first; None means the same as `lower_case`.
        tokenize_chinese_chars: whether each CJK ideograph is a word by itself.
        max_chars_per_word: int, a longer word becomes [UNK].
        added_tokens: list of tokens of the vocabulary that are kept whole, as `AddedToken` or as
            dicts of its fields.

    Of a token that the vocabulary has twice, the last id counts, as in the original.

    Raises:
        InputError: the vocabulary lacks a special token, or a switch is not of its type.

    Source: google-research/bert tokenization.py, FullTokenizer.
    """

    def __init__(
        self,
        vocabulary,
        lower_case=True,
        strip_accents=None,
        tokenize_chinese_chars=True,
        max_chars_per_word=MAX_CHARS_PER_WORD,
        added_tokens=(),
    ):
        check_vocabulary(vocabulary)
        # They may come from the config.json of a stranger.
        switches = {
            "lower_case": lower_case,
            "strip_accents": strip_accents,
            "tokenize_chinese_chars": tokenize_chinese_chars,
        }
        for name, value in switches.items():
            if not isinstance(value, bool) and (name, value) != ("strip_accents", None):
                raise InputError(f"{name} must be bool, not {value!r}")
        if not isinstance(max_chars_per_word, int) or not 1 <= max_chars_per_word < 2**31:
            raise InputError(f"max_chars_per_word must be a positive int: {max_chars_per_word!r}")
        self.vocabulary = list(vocabulary)
        self.lower_case = lower_case
        self.strip_accents = lower_case if strip_accents is None else strip_accents
        self.tokenize_chinese_chars = tokenize_chinese_chars
        self.max_chars_per_word = max_chars_per_word
        self._ids = {token: index for index, token in enumerate(self.vocabulary)}
        self.pad_id, self.unk_id, self.cls_id, self.sep_id = (
            self._ids[token] for token in ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
        )
        self.added_tokens = added.checked(added_tokens, self._ids)
        self._cutter = PieceCutter(
            self._ids,
            self.added_tokens,
            self.lower_case,
            self.strip_accents,
            tokenize_chinese_chars,
            max_chars_per_word,
        )

    @classmethod
    def from_file(cls, path, **switches):
        """Makes a tokenizer from a vocabulary file, see `load_vocabulary`.

        Args:
            path: path of the file.
            **switches: the other arguments of the class.
        """
        return cls(load_vocabulary(path), **switches)

    def get_config(self):
        """Returns the switches as a dict; with the vocabulary they make an equal tokenizer."""
        tokens = added.to_dicts(self.added_tokens)
        return {
            "lower_case": self.lower_case,
            "strip_accents": self.strip_accents,
            "tokenize_chinese_chars": self.tokenize_chinese_chars,
            "max_chars_per_word": self.max_chars_per_word,
            **({"added_tokens": tokens} if tokens else {}),
        }

    @property
    def vocabulary_size(self):
        """The number of ids that tokens have; a model's table may have more rows."""
        return len(self.vocabulary)

    @property
    def mask_id(self):
        """The id of [MASK]; InputError if the vocabulary has none."""
        if "[MASK]" not in self._ids:
            raise InputError("the vocabulary has no token [MASK], which masking needs")
        return self._ids["[MASK]"]

    def tokenize(self, text):
        """Returns the pieces of a text (list of str), without special tokens."""
        return self.cut([text])[0].tokens

    def encode(self, text, text_b=None, length=None, is_split_into_words=False):
        """Encodes a sentence or a pair of sentences.

        Args:
            text: str, or with `is_split_into_words` a list of str, its words.
            text_b: likewise, or None.
            length: int or None, the most tokens to return, special tokens included. The end of
                the longer sentence is cut off first, and at a tie that of the second.

        Returns:
            Encoding.

        Raises:
            InputError: a text is not a string, or `length` cannot hold the special tokens.

        Source: google-research/bert run_classifier.py, convert_single_example.
        """
        texts_b = None if text_b is None else [text_b]
        return self.encode_batch([text], texts_b, length, is_split_into_words)[0]

    def encode_batch(self, texts, texts_b=None, length=None, is_split_into_words=False):
        """Encodes many sentences or pairs at once, on all cores; each as `encode` does.

        Args:
            texts: sequence of str, or with `is_split_into_words` of lists of str.
            texts_b: likewise, as many, or None.
            length: int or None, the most tokens per encoding.
            is_split_into_words: whether a text is the list of its words. A word of which nothing
                is left, such as a lone zero-width space, is [UNK]; offsets are in its word.

        Returns:
            list of Encoding.

        Raises:
            InputError: as `encode`, or `texts` and `texts_b` differ in number.
        """
        rows = self._rows(texts, texts_b, length, is_split_into_words)
        return [assemble(*row, self.cls_id, self.sep_id) for row in rows]

    def encode_with_mask(self, text, length=None):
        """Encodes a sentence in which each literal "[MASK]" stands for the mask token.

        Args:
            text: str.
            length: int or None, the most tokens to return.

        Returns:
            Encoding; the offsets of a mask token are those of its "[MASK]".

        Raises:
            InputError: the vocabulary has no [MASK], or as `encode`.
        """
        pieces = Pieces([], [], [], [])
        for match in _MASK_OR_TEXT.finditer(checked(text)):
            if match.group() == "[MASK]":
                part = Pieces([self.mask_id], ["[MASK]"], [(0, len("[MASK]"))], [0])
            else:
                part = self.cut([match.group()])[0]
            pieces.append(part, match.start())
        kept = truncated_lengths(len(pieces), None, length)
        return assemble(pieces, None, *kept, self.cls_id, self.sep_id)

    def __call__(self, texts, texts_b=None, length=None, is_split_into_words=False):
        """Makes the inputs of a model from sentences or pairs.

        Args:
            texts: sequence of str, (batch,), or with `is_split_into_words` of lists of str; a
                single str is a batch of one.
            texts_b: likewise, or None.
            length: int, the length of each row; None means that of the longest.
            is_split_into_words: see `encode_batch`; `tag_targets` has the targets of such rows.

        Returns:
            dict of int32 arrays of shape (batch, length): `token_ids`, filled up with [PAD],
            `segment_ids` and `padding_mask` (1 for tokens, 0 for padding), filled up with 0.

        Raises:
            InputError: as `encode_batch`.
        """
        if isinstance(texts, str) and not is_split_into_words:
            texts, texts_b = [texts], None if texts_b is None else [texts_b]
        rows = list(self._rows(texts, texts_b, length, is_split_into_words))
        if length is None:
            specials = 2 if texts_b is None else 3
            length = max((kept_a + kept_b + specials for _, _, kept_a, kept_b in rows), default=0)
        token_ids = np.full((len(rows), length), self.pad_id, "int32")
        segment_ids = np.zeros_like(token_ids)
        padding_mask = np.zeros_like(token_ids)
        for row, (a, b, kept_a, kept_b) in enumerate(rows):
            ids = [self.cls_id, *a.ids[:kept_a], self.sep_id]
            if b is not None:
                segment_ids[row, len(ids) : len(ids) + kept_b + 1] = 1
                ids += [*b.ids[:kept_b], self.sep_id]
            token_ids[row, : len(ids)] = ids
            padding_mask[row, : len(ids)] = 1
        return {"token_ids": token_ids, "segment_ids": segment_ids, "padding_mask": padding_mask}

    def tag_targets(self, sentences, tags, labels=None, length=None):
        """Makes the targets of a `BertTagger` for `tokenizer(sentences, ..., length=length)`.

        Args:
            sentences: sequence of lists of str, the words.
            tags: sequence of lists, one tag a word: int, or str with `labels`.
            labels: list of str, the tags in the order of the logits.
            length: int, the length of each row; None means that of the longest.

        Returns:
            int32 array of shape (batch, length): the number of the tag at the first piece of each
            word, -1 at other pieces, special tokens and padding.

        Raises:
            InputError: a sentence has not one tag a word, or a tag is not known.
        """
        encodings = self.encode_batch(sentences, length=length, is_split_into_words=True)
        return targets.tag_targets(encodings, sentences, tags, labels, length)

    def span_targets(self, questions, passages, answers, length=None):
        """Makes the targets of a `BertQuestionAnswerer` that is asked of passages.

        Args:
            questions, passages: sequences of str.
            answers: sequence of (text, start), the answer and the character of the passage that it
                starts at, or of str, which are looked for; None where the passage holds no answer.
            length: int, as for the inputs, `tokenizer(questions, passages, length)`.

        Returns:
            dict of `start_logits` and `end_logits`, int32 arrays of shape (batch,): the positions
            of the answer's first and last token; 0, which is [CLS], where there is none or the
            row does not hold all of it.

        Raises:
            InputError: an answer is not where it says, or there are not as many.
        """
        rows = list(self._rows(questions, passages, length))
        return targets.span_targets(rows, passages, answers)

    def detokenize(self, token_ids):
        """Joins tokens to a readable text.

        Args:
            token_ids: sequence of int; [PAD], [CLS] and [SEP] are left out.

        Returns:
            str: the words, separated by spaces.

        Raises:
            InputError: a number that is no token's id.
        """
        text = ""
        for index in token_ids:
            if not 0 <= index < self.vocabulary_size:
                raise InputError(
                    f"{index} is no token id: not from 0 to {self.vocabulary_size - 1}"
                )
            if index in (self.pad_id, self.cls_id, self.sep_id):
                continue
            token = self.vocabulary[index]
            text += token[2:] if token.startswith("##") else " " + token
        return text.strip(" ")

    def cut(self, texts):
        """Returns the pieces of each text: objects with `ids`, `tokens`, `offsets` and a length."""
        return self._cutter.cut(texts)

    def cut_words(self, words):
        """Returns the pieces of each distinct word, a dict; what gives none is [UNK]."""
        return self._cutter.cut_words(words)

    def count_words(self, texts):
        """Counts the normalized words of texts, as they are before they are cut into pieces.

        Args:
            texts: iterable of str, read once.

        Returns:
            A Counter. Added tokens are no words, nor is what no vocabulary can spell.
        """
        return self._cutter.count_words(texts)

    def pieces_of_word(self, word):
        """Returns the pieces of a normalized word, as `count_words` returns it: a list of str."""
        return [token for _, token in self._cutter.cut_word(word)]

    def _rows(self, texts, texts_b, length, is_split_into_words=False):
        """Yields (pieces, pieces or None, number kept of the first, number kept of the second)."""
        cut = self._cutter.cut_sentences if is_split_into_words else self.cut
        all_a = cut(texts)
        all_b = [None] * len(all_a) if texts_b is None else cut(texts_b)
        if len(all_a) != len(all_b):
            raise InputError(f"{len(all_a)} first sentences but {len(all_b)} second sentences")
        for a, b in zip(all_a, all_b, strict=True):
            yield a, b, *truncated_lengths(len(a), None if b is None else len(b), length)
