"""What all pictures share: figures without a display, labels of any text, files."""

import importlib
import unicodedata
import warnings

from keras_bert.errors import InputError, name_of
from keras_bert.extras import naming_extras
from keras_bert.files import check_file_replaceable, check_not_input, replacing_file

DOTS_PER_INCH = 120
LONGEST_LABEL = 40
BLUE, ORANGE, GREY = "#2a6f97", "#e07a2f", "#8d99ae"
# matplotlib's own font has no East Asian characters; those of these fonts that are installed
# provide them.
_FALLBACK_FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei",
    "PingFang SC", "Hiragino Sans", "Microsoft YaHei", "Arial Unicode MS", "Noto Sans",
    "Noto Emoji", "Unifont",
)  # fmt: skip


def check_picture(path, source=None, setting="picture"):
    """Checks that a picture can be drawn and written, before the work that it shows.

    Args:
        path: the PNG to write; None: no picture.
        source: a file that it must not replace, or None.
        setting: the name of the setting that the path is the value of.

    Raises:
        InputError: its name does not end in .png, or it cannot be written.
        MissingPackage: matplotlib is not installed.
    """
    if path is None:
        return
    if not path.endswith(".png"):
        raise InputError(f"{path}: the name of {name_of(setting)} must end in .png")
    if source is not None:
        check_not_input(path, source)
    check_file_replaceable(path)
    with naming_extras():
        importlib.import_module("matplotlib")


def new_figure(width, height):
    """Returns a matplotlib figure.

    Args:
        width, height: inches; `save_figure` adds the room that labels outside of it need.
    """
    # Without pyplot, which would keep every figure and need a display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure, path):
    """Writes a figure as PNG, whole or not at all, with all of its labels.

    Args:
        figure: matplotlib figure.
        path: the PNG to write.

    Returns:
        Whether the fonts of this machine have all characters of the labels.

    Raises:
        InputError: the file cannot be written.
    """
    with replacing_file(path) as temporary, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.savefig(
            temporary, format="png", dpi=DOTS_PER_INCH, bbox_inches="tight", pad_inches=0.15
        )
    return not any("missing from font" in str(warning.message) for warning in caught)


def font_note(path):
    """Returns a note for a picture of which `save_figure` returned False."""
    return (
        f"{path}: no font on this machine has all characters of the texts: install one, for "
        f"example Noto Sans CJK"
    )


def shortened(text, most=LONGEST_LABEL):
    """Returns a text as a label: one line, of at most `most` columns, with … where it is cut.

    A Chinese or Japanese character is two columns wide.
    """
    text = " ".join(text.split())
    if width_of(text) <= most:
        return text
    kept, width = "", 1
    for character in text:
        width += width_of(character)
        if width > most:
            break
        kept += character
    return kept.rstrip() + "…"


def width_of(text):
    """Returns the width of a text in columns of a terminal."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def plain(*texts):
    """Makes matplotlib texts show what they hold: two dollar signs are not a formula."""
    families = font_families()
    for text in texts:
        text.set(parse_math=False, fontfamily=families)


def font_families():
    """Returns the names of matplotlib's font, and of the installed ones that help it."""
    from matplotlib import font_manager

    # matplotlib would warn of each family that is not installed.
    installed = set(font_manager.get_font_names())
    return ["DejaVu Sans", *(name for name in _FALLBACK_FONTS if name in installed)]
