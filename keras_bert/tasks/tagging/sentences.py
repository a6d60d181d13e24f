"""Sentences in words, the examples of tagging."""

import dataclasses

from keras_bert.errors import InputError
from keras_bert.guesses import guess
from keras_bert.tasks.tagging.words import words_of


@dataclasses.dataclass(frozen=True)
class Sentences:
    """Sentences of one file, in words.

    Attributes:
        path: the file they came from.
        lines: list of int, the line of each sentence's first word.
        words: list of list of str.
        tags: list of list of str, one for each word; None where tags were not read.
        word_lines: list of list of int, the line of each word.
        texts: list with the text of each sentence; None where the file does not have it.
        word_offsets: list of list of (start, end), the place of each word in its text; or None.
    """

    path: str
    lines: list
    words: list
    tags: list | None
    word_lines: list
    texts: list | None = None
    word_offsets: list | None = None

    def __len__(self):
        return len(self.words)

    def keys(self):
        """Returns a str for each sentence, equal for copies of it."""
        return [" ".join(words).lower() for words in self.words]

    def take(self, indices):
        """Returns the sentences at `indices`, in that order."""

        def pick(values):
            return None if values is None else [values[i] for i in indices]

        columns = [getattr(self, field.name) for field in dataclasses.fields(self)[1:]]
        return Sentences(self.path, *map(pick, columns))


def say_blank_words(path, words):
    """Says how many of the words of sentences, a list of list of str, are empty or spaces."""
    count = sum(not word.strip(" ") for sentence in words for word in sentence)
    if count:
        noun = "word is" if count == 1 else "words are"
        reason = f"{count} {noun} empty or a space, and read as a word that is not known"
        guess(reason, place=path)


def sentences_of(path, texts, lines):
    """Returns the `Sentences` of running texts, with the words of `words_of`.

    Args:
        path: str, their origin, for messages.
        texts: list of str.
        lines: list of int, the line of each.

    Raises:
        InputError: a text has no words, or is not a text.
    """
    words, offsets = [], []
    for text, line in zip(texts, lines, strict=True):
        if not isinstance(text, str):
            kind = type(text).__name__
            raise InputError(f"a text must be a string, not {kind}", place=f"{path}:{line}")
        offsets.append(words_of(text))
        words.append([text[start:end] for start, end in offsets[-1]])
        if not words[-1]:
            reason = f"{text[:20]!r} is a text without words"
            raise InputError(reason, place=f"{path}:{line}")
    word_lines = [[line] * len(sentence) for line, sentence in zip(lines, words)]
    return Sentences(path, list(lines), words, None, word_lines, list(texts), offsets)


def sentences_in_hand(texts):
    """Returns `Sentences` of texts and of lists of words."""
    path = "the texts"
    parts = []
    for number, text in enumerate(texts, start=1):
        if not isinstance(text, (list, tuple)):
            parts.append(sentences_of(path, [text], [number]))
            continue
        for word in text:
            if not isinstance(word, str) or not word or any(sign in word for sign in "\t\r\n"):
                raise InputError(f"{path}:{number}: {word!r:.40} is not a word")
        if not text:
            raise InputError(f"{path}:{number}: an empty list of words")
        lines = [[number] * len(text)]
        parts.append(Sentences(path, [number], [list(text)], None, lines, [None], [None]))
    columns = ("lines", "words", "word_lines", "texts", "word_offsets")
    joined = {name: [getattr(part, name)[0] for part in parts] for name in columns}
    return Sentences(path=path, tags=None, **joined)


def with_tags(sentences, tags):
    """Returns sentences with the tags of their words, a list of str for each."""
    for line, words, word_tags in zip(sentences.lines, sentences.words, tags, strict=True):
        place = f"{sentences.path}:{line}"
        if not isinstance(word_tags, (list, tuple)) or len(word_tags) != len(words):
            raise InputError(
                f"{place}: {len(words)} words need a list of {len(words)} tags, not "
                f"{word_tags!r:.60}"
            )
        for tag in word_tags:
            if not isinstance(tag, str) or not tag.strip() or len(tag.split()) > 1:
                raise InputError(f"{place}: {tag!r:.40} is not a tag")
    return dataclasses.replace(sentences, tags=[list(word_tags) for word_tags in tags])
