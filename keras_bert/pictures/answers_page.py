"""Answers as a page: marked entities and answers, and the labels' probabilities as bars."""

from keras_bert.pictures.page import escaped, page

# More bars of one answer would hide the others.
_MOST_BARS = 10
_STYLE = """\
section { border-top: 1px solid #ddd; padding: 1rem 0; }
.number { color: #999; font-size: .8rem; float: left; margin-left: -2.2rem; width: 1.8rem;
  text-align: right; }
.name { color: #666; font-size: .8rem; margin-right: .6rem; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; margin: .2rem 0; }
mark { border-radius: .25rem; padding: .1rem .2rem; color: inherit; }
mark small { font-size: .65rem; font-weight: 600; margin-left: .3rem; opacity: .75; }
.answer { font-weight: 600; margin: .3rem 0; overflow-wrap: anywhere; }
.bars { border-spacing: 0; font-size: .85rem; }
.bars td { padding: .05rem .5rem .05rem 0; vertical-align: middle; }
.bars td:first-child { max-width: 24rem; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; }
.bar { background: #2a6f97; height: .7rem; border-radius: .2rem; min-width: 1px; }
.track { width: 14rem; background: #eee; border-radius: .2rem; }"""


def answers_page(marked, title, note=""):
    """Returns the page, a str.

    Args:
        marked: list of `keras_bert.tasks.marked.Marked`.
        title: str.
        note: str, a line below the title.
    """
    body = [f'<p class="note">{escaped(note)}</p>'] if note else []
    hues = _hues(marked)
    body += [_example(number, each, hues) for number, each in enumerate(marked, start=1)]
    return page(title, "\n".join(body), _STYLE)


def _example(number, marked, hues):
    parts = [f'<span class="number">{number}</span>']
    only = len(marked.passages) == 1
    for passage in marked.passages:
        name = "" if only else f'<span class="name">{escaped(passage.name)}</span>'
        parts.append(f'<p class="text">{name}{_marked(passage, hues)}</p>')
    if marked.answer:
        parts.append(f'<p class="answer">{escaped(marked.answer)}</p>')
    if marked.bars:
        parts.append(_bars(marked.bars))
    return "<section>" + "\n".join(parts) + "</section>"


def _marked(passage, hues):
    """Returns a text with its spans as mark elements."""
    parts, place = [], 0
    for span in sorted(passage.spans, key=lambda span: span.start):
        parts.append(escaped(passage.text[place : span.start]))
        inside = escaped(passage.text[span.start : span.end])
        label = f"<small>{escaped(span.label)}</small>" if span.label else ""
        hint = "" if span.probability is None else f' title="{span.probability:.4f}"'
        parts.append(
            f'<mark style="background:hsl({hues[span.label]},85%,86%)"{hint}>{inside}{label}</mark>'
        )
        place = span.end
    return "".join([*parts, escaped(passage.text[place:])])


def _hues(marked):
    """Returns a hue for each label of the page, 0 to 359: neighbours are a golden angle apart."""
    labels = {span.label for each in marked for text in each.passages for span in text.spans}
    hues = {label: round(200 + n * 137.508) % 360 for n, label in enumerate(sorted(labels - {""}))}
    return {**hues, "": 48}  # without a label, a text marker's yellow


def _bars(bars):
    rows = [
        f'<tr><td title="{escaped(name)}">{escaped(name)}</td>'
        f'<td class="track"><div class="bar" style="width:{100 * probability:.1f}%"></div></td>'
        f"<td>{probability:.4f}</td></tr>"
        for name, probability in bars[:_MOST_BARS]
    ]
    more = len(bars) - _MOST_BARS
    rest = f'<p class="note">and {more} less probable</p>' if more > 0 else ""
    return '<table class="bars">' + "".join(rows) + f"</table>{rest}"
