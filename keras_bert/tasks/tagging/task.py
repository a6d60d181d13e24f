"""A tag for every word: parts of speech, named entities."""

import collections
import dataclasses
import io
import json

import numpy as np

from keras_bert.errors import InputError, name_of
from keras_bert.guesses import guess
from keras_bert.tasks.columns import some
from keras_bert.tasks.settings import checked_settings
from keras_bert.tasks.tagging.conll import write_conll
from keras_bert.tasks.tagging.decoding import best_tags
from keras_bert.tasks.tagging.files import read_tagged, read_words
from keras_bert.tasks.tagging.schemes import (
    convert,
    detect_scheme,
    entities,
    entity_scores,
    stray_tags,
    type_table,
)
from keras_bert.tasks.tagging.sentences import sentences_in_hand, with_tags
from keras_bert.tasks.tagging.settings import Settings, TagOverrides, settings_of
from keras_bert.tasks.tagging.shown import confusion_of_tags, marked_sentence
from keras_bert.tasks.tagging.spellings import respelled, spelled_as
from keras_bert.tasks.tagging.word_rows import rows_of_words
from keras_bert.tasks.tagging.words import join_words
from keras_bert.tasks.task import Task, check_labels


class TaggingTask(Task):
    """One tag a word, read from the word's first piece (Devlin et al. 2018, section 5.3)."""

    kind = "tagging"
    outputs = {"probability": "one number for each label, for every token"}
    per_token = True
    title = "Tagger"
    usage = '--text="…"'
    length_note = "Sentences of more than {} tokens are split and rejoined."
    export_name, export_description = "BERT tagger", "Tags every word of a text"
    Overrides = TagOverrides
    layout_fields = ("tag_column", "word_column")
    huggingface_class = "BertForTokenClassification"

    def metrics(self, config):
        if settings_of(config).scheme == "none":
            return ("accuracy",)
        return ("f1", "precision", "recall", "accuracy")

    def read(self, path, layout, labelled=True):
        if not labelled:
            return read_words(
                path, layout.word_column, layout.columns, layout.text_column, layout.separator
            )
        return _respelled(read_tagged(path, layout))

    def examples_from(self, texts, texts_b=None, labels=None):
        """Returns `Sentences` of texts, each a str or a list of its words.

        Args:
            texts: list; with labels, of lists of words.
            texts_b: None; tagging has no second texts.
            labels: list with a list of str for each sentence, a tag for each word; or None.
        """
        if texts_b is not None:
            raise InputError("tagging takes single texts, not pairs")
        examples = sentences_in_hand(list(texts))
        return examples if labels is None else _respelled(with_tags(examples, labels))

    def config_fields(self, examples, overrides):
        """Returns `labels`, `pair` and `settings`; `overrides` may hold any of `Settings`.

        The default is the file's own scheme; for another one its tags are converted.
        """
        names = [field.name for field in dataclasses.fields(Settings)]
        chosen = {name: overrides[name] for name in names if overrides.get(name) is not None}
        settings = Settings(**{"scheme": detect_scheme(examples.tags), **chosen})
        if chosen.get("scheme") != "none":
            _check_strays(examples)
        if "scheme" not in chosen and settings.scheme == "none":
            _say_no_entities(examples)
        tags = _tags_in(settings.scheme, examples)
        distinct = sorted(set().union(*tags), key=lambda tag: (tag != "O", tag))
        labels = overrides.get("labels") or distinct
        if len(labels) < 2 or len(set(labels)) < len(labels):
            place = name_of("labels", labels) if overrides.get("labels") else examples.path
            raise InputError(f"{place}: at least two different tags are needed, found {labels}")
        _check_tags(tags, examples, labels)
        _check_labels(labels, settings.scheme)
        return {
            "labels": tuple(labels), "pair": False, "settings": dataclasses.asdict(settings),
        }  # fmt: skip

    def check_config(self, config):
        check_labels(config)
        if settings_of(config).mark_capitals and config.encoder.type_vocab_size < 2:
            raise InputError("mark_capitals needs a second segment, the encoder has one")

    def check(self, examples, config):
        settings = settings_of(config)
        _check_labels(config.labels, settings.scheme)
        if examples.tags is not None:
            tags = _known_tags(settings.scheme, examples, config.labels)
            _check_tags(tags, examples, config.labels)

    def rows(self, examples, tokenizer, config):
        settings = settings_of(config)
        return rows_of_words(
            examples.words, tokenizer, config.max_length, settings.overlap, settings.mark_capitals
        )

    def targets(self, examples, rows, config):
        # Only in the row from which a word is read, not in every row that repeats it: so each word
        # counts once, and training sees the same context as prediction.
        tags = _known_tags(settings_of(config).scheme, examples, config.labels)
        _check_tags(tags, examples, config.labels)
        ids = {label: index for index, label in enumerate(config.labels)}
        targets = []
        for row, example, read in zip(rows.encodings, rows.example_indices, rows.details):
            target = np.full(len(row.token_ids), -1, "int32")
            target[read.positions] = [ids[tags[example][word]] for word in read.words]
            targets.append(target)
        return targets

    def with_placeholders(self, examples, config):
        tag = "O" if "O" in config.labels else config.labels[0]
        return dataclasses.replace(examples, tags=[[tag] * len(words) for words in examples.words])

    def output_shape(self, config, rows, length):
        return (rows, length, len(config.labels))

    def network_arguments(self, config):
        return {"num_classes": len(config.labels)}

    def fields_from_checkpoint(self, labels, settings, positions):
        # Each label is a sequence of one tag: in bio every type has a B, in iob1 some have only I.
        scheme = detect_scheme([[label] for label in labels])
        settings = checked_settings(Settings, {"scheme": scheme} | settings, self.kind)
        return {"labels": tuple(labels), "pair": False, "settings": settings}

    def answers(self, outputs, rows, examples, config):
        """Returns a dict a sentence, with one tag a word.

        `words`, `tags`, the most probable valid ones, and `probabilities`, those of the tags;
        `text` where it is known. With a scheme also `entities`: dicts of `type`, `text`,
        `probability` (the mean of its words'), and `start` and `end`, characters of the text;
        without a text, `first_word` and `last_word`, numbers of words from 0.
        """
        by_sentence = [np.zeros((len(words), len(config.labels))) for words in examples.words]
        places = zip(rows.example_indices, rows.details, strict=True)
        for values, (example, read) in zip(outputs["probability"], places, strict=True):
            words = slice(read.words.start, read.words.stop)
            by_sentence[example][words] = np.asarray(values)[read.positions]
        scheme = settings_of(config).scheme
        answers = []
        for index, probabilities in enumerate(by_sentence):
            best = best_tags(probabilities, config.labels, scheme)
            tags = [config.labels[label] for label in best]
            of_tags = probabilities[np.arange(len(best)), best].tolist()
            answers.append(answer_of_tags(examples, index, tags, of_tags, scheme))
        return answers

    def scores(self, answers, examples, config):
        """Returns `accuracy` of the words' tags, `words`, `count`, and with a scheme
        `schemes.entity_scores`.
        """
        scheme = settings_of(config).scheme
        predicted = [answer["tags"] for answer in answers]
        pairs = zip(_known_tags(scheme, examples, config.labels), predicted, strict=True)
        right = sum(a == b for true, tags in pairs for a, b in zip(true, tags, strict=True))
        words = sum(map(len, predicted))
        scored = {"accuracy": right / words, "words": words, "count": len(answers)}
        # The entities of the file's own tags, in whatever scheme these are.
        true = spelled_as(examples.tags, config.labels)
        return scored if scheme == "none" else {**entity_scores(true, predicted), **scored}

    def panels(self, answers, examples, config):
        predicted = [answer["tags"] for answer in answers]
        scheme = settings_of(config).scheme
        return [confusion_of_tags(examples.tags, predicted, config.labels, scheme)]

    def marked(self, answers, examples, config):
        offsets = examples.word_offsets or [None] * len(answers)
        return [marked_sentence(*each) for each in zip(answers, offsets, strict=True)]

    def score_lines(self, scores, config):
        lines = super().score_lines(scores, config)
        width = max(map(len, (*self.metrics(config), "words")))
        lines.append(f"{'words':<{width}} {scores['words']}")
        return lines + (type_table(scores["types"]) if "types" in scores else [])

    def asked_fields(self, examples):
        # The answer has the input: its words, and the text where it is known.
        return [{} for _ in range(len(examples))]

    def answer_line(self, answer):
        return " ".join(f"{word}/{tag}" for word, tag in zip(answer["words"], answer["tags"]))

    def columns(self, config):
        return ["words", "tags"]

    def cells(self, answer, config):
        words, tags = answer["words"], answer["tags"]
        if any(" " in word for word in words):  # some languages' treebanks have such words
            return [json.dumps(words, ensure_ascii=False), json.dumps(tags, ensure_ascii=False)]
        return [" ".join(words), " ".join(tags)]

    def submission_file(self, examples):
        return "predictions.conll"

    def submission(self, answers, examples, config):
        """Returns a CoNLL file: a word and its tag a line, as conlleval and others read it."""
        file = io.StringIO()
        write_conll(file, *([answer[name] for answer in answers] for name in ("words", "tags")))
        return file.getvalue()

    def row_fields(self, examples):
        """Returns `line`, that of the first word, `text` where it is known, and `words`."""
        texts = examples.texts or [None] * len(examples)
        fields = zip(examples.lines, texts, examples.words)
        return [
            {"line": line, **({} if text is None else {"text": text}), "words": words}
            for line, text, words in fields
        ]

    def true_answers(self, examples, config):
        return _known_tags(settings_of(config).scheme, examples, config.labels)

    def short_answer(self, answer):
        return answer["tags"], answer["probabilities"]

    def mistakes(self, answers, examples, config):
        """Returns the sentences with wrong tags, that with the most probable one first."""
        wrong = []
        for i, (answer, true) in enumerate(zip(answers, self.true_answers(examples, config))):
            places = [n for n, tags in enumerate(zip(answer["tags"], true)) if tags[0] != tags[1]]
            if places:
                sure = max(answer["probabilities"][n] for n in places)
                words = [answer["words"][n] for n in places]
                wrong.append((-sure, i, {"wrong": words}))
        return [(i, more) for _, i, more in sorted(wrong, key=lambda each: each[:2])]

    def answers_agree(self, answer, other, config):
        return answer["tags"] == other["tags"]

    def collapsed(self, answers, config):
        # Sentences differ in length, and with them their lists of tags.
        return len({tag for answer in answers for tag in answer["tags"]}) == 1


def answer_of_tags(examples, index, tags, probabilities, scheme):
    """Returns the answer of a sentence, see `TaggingTask.answers`.

    Args:
        examples: `Sentences`.
        index: int, the number of the sentence.
        tags: list of str, one for each word.
        probabilities: list of float, those of the tags.
        scheme: one of `schemes.SCHEMES`.
    """
    words = examples.words[index]
    text = examples.texts[index] if examples.texts else None
    answer = {} if text is None else {"text": text}
    answer |= {"words": words, "tags": tags, "probabilities": probabilities}
    if scheme == "none":
        return answer
    answer["entities"] = []
    for type_, first, end in entities(tags, scheme):
        if text is None:
            place = {"first_word": first, "last_word": end - 1}
            part = join_words(words[first:end])
        else:
            offsets = examples.word_offsets[index]
            place = {"start": offsets[first][0], "end": offsets[end - 1][1]}
            part = text[place["start"] : place["end"]]
        mean = float(np.mean(probabilities[first:end]))
        answer["entities"].append({"type": type_, "text": part, **place, "probability": mean})
    return answer


def _tags_in(scheme, examples):
    """Returns the tags of labelled sentences in a scheme, unchanged if it is theirs."""
    own_scheme = detect_scheme(examples.tags)
    if scheme == "none" or own_scheme in (scheme, "none"):
        return examples.tags
    return [convert(tags, scheme) for tags in examples.tags]


def _known_tags(scheme, examples, labels):
    """Returns tags in a scheme, but unchanged where only the file's own tags are labels.

    A small file may look like another scheme than its model's: one with a stray I and no B is io.
    """
    known = set(labels)
    own = spelled_as(examples.tags, labels)
    examples = dataclasses.replace(examples, tags=own)
    return [
        written if known.issuperset(written) or not known.issuperset(tags) else tags
        for written, tags in zip(_tags_in(scheme, examples), own)
    ]


def _respelled(examples):
    return dataclasses.replace(examples, tags=respelled(examples.tags, examples.path))


def _say_no_entities(examples):
    """Says that tags mark no entities where many words have O, which is hardly a part of speech."""
    counts = collections.Counter(tag for tags in examples.tags for tag in tags)
    outside = max(counts["O"], counts["o"])
    others = some(sorted(tag for tag in counts if tag not in ("O", "o")), most=3)
    if others and 2 * outside > counts.total():
        guess(
            f"its tags, such as {others}, mark no entities as B-PER does, so each word's tag is "
            f"scored by itself",
            "scheme", "none", place=examples.path,
        )  # fmt: skip


def _check_tags(tags, examples, labels):
    known = set(labels)
    for index, sentence in enumerate(tags):
        for word, tag in enumerate(sentence):
            if tag not in known:
                raise InputError(
                    f"{examples.path}:{examples.word_lines[index][word]}: tag "
                    f"{examples.tags[index][word]!r} is not a label of the model "
                    f"({some(labels)}): correct it or leave the sentence out"
                )


def _check_strays(examples):
    strays = stray_tags(examples.tags)
    for tags, lines in zip(examples.tags, examples.word_lines):
        for tag, line in zip(tags, lines):
            if tag in strays:
                raise InputError(
                    f"{examples.path}:{line}: tag {tag!r} is neither O nor, as the others, a mark "
                    f"such as B-PER: correct it, or give {name_of('scheme', 'none')} for tags that "
                    f"mark nothing"
                )


def _check_labels(labels, scheme):
    if scheme != "none" and detect_scheme([labels]) == "none":
        raise InputError(f"scheme {scheme!r} needs tags such as B-PER, found {some(labels)}")
