"""Our normalization as the table of TensorFlow Text's FastBertNormalize, which TFLite can run.

That op replaces each character by a string that it looks up in a table. TensorFlow Text's own
tables fold by NFKC (full-width and half-width forms, ligatures, "…") and keep control characters
as spaces; this one is made from `cleaning.py`, so that an exported graph normalizes as in training.
A character at a time cannot see its neighbours: a capital sigma at the end of a word becomes σ
and not ς. Bytes that are not UTF-8 become spaces instead of being dropped.

The table is a double-array trie over the bytes of a character (the units of Darts-clone), and a
pool of the strings, in a flatbuffer of the schema fast_bert_normalizer_model.fbs.
"""

import numpy as np

from keras_bert.text import cleaning
from keras_bert.text.graph_characters import PLANES

# A value of the trie: this bit, 24 bits of the string's place in the pool, 6 bits of its length.
_DIFFERENT, _LENGTH_BITS = 1 << 30, 6
# A unit of the trie: the byte that leads to it, whether it has a value, the way to its children.
_HAS_VALUE, _OFFSET_BIT, _IS_VALUE = 1 << 8, 10, 1 << 31
_BLOCK = 256


def normalizer_table(lower_case, strip_accents):
    """Returns the model of FastBertNormalize for our normalization, as bytes.

    The op that follows it, FastWordpieceTokenizeWithOffsets, cuts off punctuation and ideographs
    itself: all of ours, and 36 characters that Unicode 15 and 16 added.

    Args:
        lower_case, strip_accents: as for `cleaning.split_words`.
    """
    pool, places, values = bytearray(), {}, {}
    for code in PLANES:
        char = chr(code)
        found, _ = cleaning.normalize(char, lower_case, strip_accents)
        if found == char:
            continue
        content = found.encode()
        if content not in places:
            places[content] = len(pool)
            pool += content
        values[code] = _DIFFERENT | places[content] << _LENGTH_BITS | len(content)
    zero = values.pop(0)  # the trie has no key with a zero byte
    return _flatbuffer(_double_array({chr(c).encode(): v for c, v in values.items()}), zero, pool)


def _double_array(values):
    """Returns the units of a trie as an array of uint32.

    From a unit at place p with the offset o, a byte b leads to the place p ^ o ^ b, whose unit
    must have the label b. The value of a unit is what 0 leads to.

    Args:
        values: dict of bytes, none of which begins another, to int below 2**31.
    """
    children = {b"": set()}
    for key in values:
        for end in range(len(key)):
            children.setdefault(key[:end], set()).add(key[end])
        children[key] = {0}
    units, used, bases = {}, {0}, set()
    places = {b"": 0}
    dense, sparse = 0, 1
    # Whole blocks first; the values fill the places between.
    for prefix in sorted(children, key=lambda prefix: (prefix in values, len(prefix), prefix)):
        labels, place = children[prefix], places[prefix]
        if prefix in values:
            while sparse in used or sparse in bases:
                sparse += 1
            base = sparse
        else:
            base = max(0, dense - _BLOCK)
            while base in bases or any(base ^ label in used for label in labels):
                base += 1
            dense = base
        bases.add(base)
        used.update(base ^ label for label in labels)
        has_value = _HAS_VALUE if 0 in labels else 0
        label = prefix[-1] if prefix else 0
        units[place] = label | has_value | (place ^ base) << _OFFSET_BIT
        for label in labels - {0}:
            places[prefix + bytes([label])] = base ^ label
        if 0 in labels:
            units[base] = _IS_VALUE | values[prefix]
    # A reader looks at any place of a block, and does not ask how many blocks there are.
    array = np.zeros((max(max(units), max(bases)) // _BLOCK + 1) * _BLOCK, "uint32")
    array[list(units)] = list(units.values())
    return array


def _flatbuffer(trie, zero, pool):
    import flatbuffers

    builder = flatbuffers.Builder(trie.nbytes + len(pool) + 1024)
    strings = builder.CreateByteVector(bytes(pool))
    units = builder.CreateNumpyVector(trie)
    builder.StartObject(4)
    builder.PrependBoolSlot(0, True, False)
    builder.PrependUOffsetTRelativeSlot(1, units, 0)
    builder.PrependInt32Slot(2, zero, 0)
    builder.PrependUOffsetTRelativeSlot(3, strings, 0)
    builder.Finish(builder.EndObject())
    return bytes(builder.Output())
