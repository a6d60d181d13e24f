"""Reads the lists of int64 in serialized tf.train.Examples with numpy, many records at once.

It reads what `tfrecord.encode_examples` writes, and is stricter than TensorFlow: of a record with
fields of other types, with a feature twice, or with a list in several pieces it reads nothing. All
records are walked through together, one field of each at a time.
"""

import numpy as np

# Protocol buffers: a field's tag is its number * 8 + 2 where a length and so many bytes follow.
_FEATURES = _ENTRY = _KEY = _VALUES = 0x0A  # Example.features, Features.feature, Int64List.value
_VALUE, _INT64_LIST = 0x12, 0x1A  # the value in an entry of Features.feature; Feature.int64_list
_LONGEST_LENGTH = 5  # bytes of a length, which is below 2**31
_LONGEST_INT64 = 10
_MOST_FEATURES = 64  # ours have 7; a hostile record could have thousands
# After the last record, so that a field that is cut short ends in the buffer.
_MARGIN = bytes(16)


class NotOurs(ValueError):
    """A record is not one that `tfrecord.encode_examples` wrote."""


def int64_lists(records, names):
    """Returns the lists of some features of all records.

    Args:
        records: list of bytes, each a serialized tf.train.Example.
        names: the features; where a record lacks one, its list is empty. Others are passed over.

    Returns:
        dict of name to (values, counts): int64 (n,), the values of all records; int64 (records,),
        how many of them each record has.

    Raises:
        NotOurs: a record is not an Example, or a feature is not a list of int64.
    """
    data = np.frombuffer(b"".join([*records, _MARGIN]), np.uint8)
    sizes = np.array([len(record) for record in records], np.int64)
    ends = np.cumsum(sizes)
    starts, ends = _fields(data, ends - sizes, ends, _FEATURES, True)
    row, starts, ends = _entries(data, starts, ends)
    key_starts, key_ends = _fields(data, starts, ends, _KEY)
    starts, ends = _fields(data, key_ends, ends, _VALUE, True)
    found = {}
    for name in names:
        at = _named(data, key_starts, key_ends, name)
        if np.bincount(row[at], minlength=1).max() > 1:
            raise NotOurs(f"{name} is there twice")
        counts = np.zeros(len(records), np.int64)
        values, counts[row[at]] = _list(data, starts[at], ends[at])
        found[name] = values, counts
    return found


def _entries(data, starts, ends):
    """Returns the features of every record: which record, where each begins, where it ends.

    They are sorted by record, so that values are joined in the records' order.
    """
    rows, firsts, lasts = [np.zeros(0, np.int64)], [starts[:0]], [ends[:0]]
    row = np.arange(len(starts))
    for _ in range(_MOST_FEATURES):
        more = starts < ends
        row, starts, ends = row[more], starts[more], ends[more]
        if not len(row):
            break
        first, last = _fields(data, starts, ends, _ENTRY)
        rows.append(row)
        firsts.append(first)
        lasts.append(last)
        starts = last
    else:
        raise NotOurs(f"more than {_MOST_FEATURES} features")
    row = np.concatenate(rows)
    order = np.argsort(row, kind="stable")
    return row[order], np.concatenate(firsts)[order], np.concatenate(lasts)[order]


def _fields(data, starts, ends, tag, is_all=False):
    """Returns where the content of a field with a length begins and ends, in many messages.

    Args:
        data: uint8 (n,).
        starts, ends: int64 (messages,), where each message's field begins, and the message ends.
        tag: int, the tag that each has to have.
        is_all: whether the field has to be all that is left of its message.

    Raises:
        NotOurs: it has another tag, or does not lie within its message.
    """
    size = np.zeros(len(starts), np.int64)
    at, open_ = starts + 1, np.ones(len(starts), bool)
    good = data[starts] == tag
    for place in range(_LONGEST_LENGTH):
        byte = data[np.minimum(at, len(data) - 1)]
        size += np.where(open_, (byte & 127).astype(np.int64) << (7 * place), 0)
        at += open_
        open_ &= byte >= 128
        if not open_.any():
            break
    last = at + size
    good &= ~open_ & (at <= ends) & (last == ends if is_all else last <= ends)
    if not good.all():
        raise NotOurs("a field is another than expected, or is cut short")
    return at, last


def _named(data, starts, ends, name):
    """Returns which keys are a name, int64 indices."""
    name = np.frombuffer(name.encode(), np.uint8)
    at = np.flatnonzero(ends - starts == len(name))
    return at[(data[starts[at][:, None] + np.arange(len(name))] == name).all(axis=1)]


def _list(data, starts, ends):
    """Returns the values of lists, joined, and how many each list has; for messages Feature."""
    counts = np.zeros(len(starts), np.int64)
    at = np.arange(len(starts))
    # A Feature without a list, and a list without values, are an empty list.
    for tag in (_INT64_LIST, _VALUES):
        at = at[starts < ends]
        starts, ends = _fields(data, starts[starts < ends], ends[starts < ends], tag, True)
    pieces = [data[first:last] for first, last in zip(starts.tolist(), ends.tolist())]
    packed = np.concatenate([np.zeros(0, np.uint8), *pieces])
    values, value_ends = _varints(packed)
    piece_ends = np.cumsum(ends - starts)
    # The last byte of a value is the first below 128, so no list ends within a value.
    if len(packed) and (packed[piece_ends[ends > starts] - 1] >= 128).any():
        raise NotOurs("a list is cut short")
    counts[at] = np.diff(np.searchsorted(value_ends, piece_ends, side="right"), prepend=0)
    return values, counts


def _varints(data):
    """Returns the values of varints, int64, and where each of them ends (the place after it)."""
    ends = np.flatnonzero(data < 128) + 1
    starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
    sizes = ends - starts
    longest = int(sizes.max(initial=0))
    if longest > _LONGEST_INT64:
        raise NotOurs("a value is longer than 64 bits")
    values = (data[starts] & 127).astype(np.uint64)
    for place in range(1, longest):
        has = np.flatnonzero(sizes > place)
        values[has] |= (data[starts[has] + place] & 127).astype(np.uint64) << np.uint64(7 * place)
    return values.view(np.int64), ends
