"""The names of tags that a table writes as numbers: those that its JSON file declares."""

from keras_bert.errors import InputError, name_of


def named_tags(table, column, lines, tags):
    """Returns the tags of sentences as texts.

    Args:
        table: `Table`, whose `head` may have the `features` of the `datasets` library.
        column: str, the column of the tags.
        lines: list of int, the line of each sentence.
        tags: list of list of str or int.

    Raises:
        InputError: a tag is empty or no text, or a number without a name.
    """
    names = None
    named = []
    for line, sentence in zip(lines, tags):
        if any(isinstance(tag, int) and not isinstance(tag, bool) for tag in sentence):
            names = names or _names(table.head.get("features"), column)
            sentence = [_named(table, column, line, tag, names) for tag in sentence]
        for tag in sentence:
            if not isinstance(tag, str) or not tag.strip():
                raise InputError(
                    f"{table.path}:{line}: {tag!r:.40} in {column} is not a tag: each word needs "
                    f"one, O where it has none"
                )
        named.append([tag.strip() for tag in sentence])
    return named


def _named(table, column, line, tag, names):
    if not names:
        raise InputError(
            f"{table.path}:{line}: {column} has numbers, such as {tag!r:.20}, whose names the file "
            f"does not have: write the names, such as B-PER (in the datasets library "
            f"features[{column!r}].feature.names), or choose another column with "
            f"{name_of('tag_column')}"
        )
    if isinstance(tag, bool) or not isinstance(tag, int) or not 0 <= tag < len(names):
        raise InputError(
            f"{table.path}:{line}: {tag!r:.20} in {column} is not a number of one of the "
            f"{len(names)} names of its features"
        )
    return names[tag]


def _names(features, column):
    """Returns the names that `features` has for a column, as datasets or its cards write them."""
    if isinstance(features, list):
        features = {f.get("name"): f for f in features if isinstance(f, dict)}
    found = features.get(column) if isinstance(features, dict) else None
    for _ in range(4):  # Sequence, ClassLabel, names
        if not isinstance(found, dict):
            break
        if "names" in found:
            names = found["names"]
            names = list(names.values()) if isinstance(names, dict) else names
            is_list = isinstance(names, list) and all(isinstance(n, str) for n in names)
            return names if is_list else None
        keys = ("feature", "sequence", "class_label", "dtype", "list")
        found = next((found[key] for key in keys if isinstance(found.get(key), dict)), None)
    return None
