"""Packs short examples into rows, one after another."""

import bisect

OPEN_ROWS = 256


def pack(lengths, row_length, open_rows=OPEN_ROWS):
    """Returns which examples share a row: best fit among a limited number of open rows.

    Args:
        lengths: sequence of int, tokens of each example, at most `row_length`.
        row_length: int, the most tokens of a row.
        open_rows: int, rows that accept examples at one time; the fullest is closed first.

    Returns:
        list of lists of int: the examples of each row, in order; rows are in the order in which
        they were opened. Each example is in exactly one row.
    """
    rows = []
    rooms = []  # (room left, row) of the open rows, sorted
    for example, length in enumerate(lengths):
        place = bisect.bisect_left(rooms, (length, -1))
        if place < len(rooms):
            room, row = rooms.pop(place)
            rows[row].append(example)
        else:
            room, row = row_length, len(rows)
            rows.append([example])
        if room > length:
            bisect.insort(rooms, (room - length, row))
            if len(rooms) > open_rows:
                rooms.pop(0)
    return rows
