"""Chooses the tokens of a batch that the model has to predict: single units, or spans of them.

A *unit* is hidden as a whole or not at all: a word with `whole_word`, else a token. A *run* is a
sequence of units without a special token or the border of an example. A unit is identified by its
first token, so that all arrays keep the shape (batch, length).
"""

import numpy as np

# How many places are tried for a span. With 15 % of the tokens masked, most tries succeed, so in
# practice every span finds a place; if one does not, single units are masked in its stead.
_PLACEMENTS = 24


def choose_targets(
    token_ids, padding_mask, word_starts, masking, tokens, max_predictions, generator
):
    """Returns which tokens the model has to predict, and which of them were chosen together.

    A row of n tokens has a budget of max(1, round(rate * n)) tokens, as in Google's
    create_masked_lm_predictions, and at most `max_predictions`. Units are taken in random order;
    a unit that is longer than the rest of the budget is skipped. With spans, sizes are drawn until
    they fill the budget, and the last is cut to fit (as in SpanBERT's program). Each span gets a
    random place within one run where it overlaps no other span.

    Args:
        The same as those of `mask_batch`.

    Returns:
        An int32 array of shape (batch, length): 0 where nothing is predicted, else 1 + the
        position of the first token of the unit or span that the token was chosen with.
    """
    maskable = (padding_mask > 0) & ~tokens.is_special[token_ids]
    # True at the first token of a run; `starts` is True where a unit may begin.
    run_starts = maskable.copy()
    run_starts[:, 1:] &= ~maskable[:, :-1] | (padding_mask[:, 1:] != padding_mask[:, :-1])
    starts = maskable
    if masking.whole_word:
        starts = maskable & (np.asarray(word_starts, bool) | run_starts)
    sizes = _unit_sizes(starts, maskable)
    lengths = np.count_nonzero(padding_mask, axis=1)
    budget = np.minimum(np.maximum(np.rint(lengths * masking.rate), 1), max_predictions)
    budget = budget.astype("int64")

    order = generator.random(starts.shape)
    position = np.arange(starts.shape[1])
    first = np.where(starts, position, 0)
    span_first = first
    if masking.span:
        place, first_of_span = _place_spans(starts, run_starts, budget, masking, generator)
        in_span = place >= 0
        # Below 0: before all units that are in no span.
        order[in_span] = place[in_span] - place.max() - 1
        span_first = np.where(in_span, first_of_span, first)
    taken = _take_in_order(order, sizes, budget)
    # After the first unit that was too long, the rest of its span counts as single units.
    group = np.where(taken == 2, span_first, first) + 1
    # A unit is identified by its first token: copy the result to its other tokens.
    first = np.maximum.accumulate(first, axis=1)
    chosen = np.take_along_axis(np.where(taken > 0, group, 0), first, axis=1)
    return np.where(maskable, chosen, 0).astype("int32")


def _unit_sizes(starts, maskable):
    """Returns the number of tokens of the unit that begins at each token; 0 where none begins."""
    if starts is maskable:
        return starts.astype("int64")
    number = np.cumsum(starts.ravel()) - 1
    sizes = np.zeros(starts.shape, "int64")
    # Padding and special tokens follow some unit too, or come before the first: not counted.
    sizes[starts] = np.bincount(number[maskable.ravel()], minlength=np.count_nonzero(starts))
    return sizes


def _take_in_order(order, sizes, budget):
    """Takes units by rising `order` and skips those that are longer than the rest of the budget.

    Args:
        order: float64 array of shape (batch, length).
        sizes: int64 array of shape (batch, length), 0 where no unit begins.
        budget: int64 array of shape (batch,).

    Returns:
        An int8 array of shape (batch, length): 2 at units taken before the first that was too
        long, 1 at units taken after it, 0 elsewhere.
    """
    by_order = np.argsort(np.where(sizes > 0, order, np.inf), axis=1)
    sizes = np.take_along_axis(sizes, by_order, axis=1)
    fits = (np.cumsum(sizes, axis=1) <= budget[:, None]) & (sizes > 0)
    taken = 2 * fits.astype("int8")
    left = budget - np.where(fits, sizes, 0).sum(axis=1)
    while True:
        # A unit that does not fit now never will. All units before the first that overflows fit,
        # and the rest of the budget is then smaller than that unit, so there are few rounds.
        open_ = np.where((sizes <= left[:, None]) & (taken == 0), sizes, 0)
        if not open_.any():
            break
        fits = (np.cumsum(open_, axis=1) <= left[:, None]) & (open_ > 0)
        taken[fits] = 1
        left -= np.where(fits, open_, 0).sum(axis=1)
    result = np.empty_like(taken)
    np.put_along_axis(result, by_order, taken, axis=1)
    return result


def _place_spans(starts, run_starts, budget, masking, generator):
    """Draws spans of units and finds a place for each.

    Args:
        starts: bool array of shape (batch, length), where a unit begins.
        run_starts: bool array of shape (batch, length), where a run begins.
        budget: int64 array of shape (batch,), the most units to cover.
        masking: `Masking`.
        generator: `numpy.random.Generator`.

    Returns:
        A tuple of int64 arrays of shape (batch, length): at the first token of each covered unit
        a number that rises in the order in which units were drawn, -1 elsewhere; and the
        position of the first token of the span.
    """
    batch, length = starts.shape
    place = np.full(starts.shape, -1, "int64")
    first_of_span = np.zeros(starts.shape, "int64")
    # From here on units, and spans too, are numbered across the whole batch.
    units = np.flatnonzero(starts)
    if not len(units):
        return place, first_of_span
    run = np.cumsum(run_starts.ravel())[units] - 1
    run_sizes = np.bincount(run)
    room = np.cumsum(run_sizes)[run] - np.arange(len(units))  # units from here to the run's end
    row_units = np.count_nonzero(starts, axis=1)
    row_first = np.cumsum(row_units) - row_units
    longest = np.zeros(batch, "int64")
    np.maximum.at(longest, units // length, room)

    budget = np.minimum(budget, row_units)
    draws = generator.random((batch, budget.max()))
    # Rounding may leave the sum of the shares just below 1, and a draw above it.
    drawn = np.searchsorted(np.cumsum(masking.span_shares())[:-1], draws, side="right") + 1
    drawn = np.minimum(drawn, longest[:, None])
    before = np.cumsum(drawn, axis=1) - drawn
    drawn = np.minimum(drawn, budget[:, None] - before)
    row, _ = np.nonzero(drawn > 0)
    size = drawn[drawn > 0]
    steps = np.arange(size.max())

    owner = np.full(len(units), -1, "int64")
    begin = np.zeros(len(size), "int64")
    waiting = np.arange(len(size))
    for _ in range(_PLACEMENTS):
        rows = row[waiting]
        at = row_first[rows] + (generator.random(len(waiting)) * row_units[rows]).astype("int64")
        fits = room[at] >= size[waiting]
        cells = at[:, None] + np.minimum(steps, size[waiting][:, None] - 1)
        cells = np.minimum(cells, len(units) - 1)
        fits &= (owner[cells] < 0).all(axis=1)
        tried, cells = waiting[fits], cells[fits]
        # If several spans want one unit, the span drawn first gets it: it is written last.
        owner[cells[::-1].copy()] = tried[::-1, None].copy()
        won = (owner[cells] == tried[:, None]).all(axis=1)
        begin[tried[won]] = at[fits][won]
        lost = cells[~won]
        owner[lost[owner[lost] == tried[~won][:, None]]] = -1
        placed = np.zeros(len(waiting), bool)
        placed[fits] = won
        waiting = waiting[~placed]
        if not len(waiting):
            break
    covered = np.flatnonzero(owner >= 0)
    of = owner[covered]
    place.ravel()[units[covered]] = of * len(steps) + covered - begin[of]
    first_of_span.ravel()[units[covered]] = units[begin[of]] % length
    return place, first_of_span
