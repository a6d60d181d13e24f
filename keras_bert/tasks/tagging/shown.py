"""What a page and a picture show of tags."""

from keras_bert.tasks.marked import Marked, Passage, Span, word_offsets
from keras_bert.tasks.panels import confusion_of
from keras_bert.tasks.tagging.schemes import NO_ENTITY, entities, paired_types
from keras_bert.tasks.tagging.words import join_words


def confusion_of_tags(true, predicted, labels, scheme):
    """Returns the `Confusion` of the types of entities, without a scheme that of words' tags.

    Args:
        true, predicted: lists of list of str, the tags of each sentence.
        labels: list of str, all tags.
        scheme: one of `schemes.SCHEMES`.
    """
    if scheme == "none":
        words = ([tag for tags in each for tag in tags] for each in (true, predicted))
        return confusion_of(*words, labels, "words")
    true, predicted, types = paired_types(true, predicted)
    right = sum(a == b for a, b in zip(true, predicted))
    title = (
        f"{len(true) - true.count(NO_ENTITY):,} entities, "
        f"{len(true) - predicted.count(NO_ENTITY):,} predicted, {right:,} right"
    )
    return confusion_of(true, predicted, types, "entities", title)


def marked_sentence(answer, offsets):
    """Returns the `Marked` of a sentence: its entities, without a scheme each word with its tag.

    Args:
        answer: dict, see `TaggingTask.answers`.
        offsets: list of (start, end), the words' places in the answer's text; None without one.
    """
    text = answer.get("text")
    if text is None:
        text = join_words(answer["words"])
        offsets = word_offsets(answer["words"], text)
    if "entities" in answer:
        spans = entities(answer["tags"])
        probabilities = [entity["probability"] for entity in answer["entities"]]
    else:
        spans = [(tag, n, n + 1) for n, tag in enumerate(answer["tags"])]
        probabilities = answer["probabilities"]
    spans = [
        Span(offsets[first][0], offsets[end - 1][1], "" if label == "_" else label, probability)
        for (label, first, end), probability in zip(spans, probabilities, strict=True)
    ]
    return Marked([Passage("text", text, spans)], "")
