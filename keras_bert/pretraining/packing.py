"""Puts short examples end to end into rows."""

import bisect

OPEN_ROWS = 256


def pack(lengths, row_length, open_rows=OPEN_ROWS):
    """Says which examples share a row: best fit, with a bounded number of rows to choose from.

    Args:
        lengths: sequence of int, tokens of each example, none over `row_length`.
        row_length: int, the most tokens of a row.
        open_rows: int, rows that still take examples at one time; the fullest is closed first.

    Returns:
        list of lists of int: the examples of each row, in order; the rows in the order in which
        they were begun. Each example is in exactly one row.
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
