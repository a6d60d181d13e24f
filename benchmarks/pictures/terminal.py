"""Draws what `keras-bert-device` prints on a terminal: an SVG file for README.

    python benchmarks/pictures/terminal.py --output=docs/pictures/on_device.svg

The commands are run with the shipped models; only what is printed on stdout is drawn.
"""

import argparse
import html
import re
import shlex
import subprocess
import sys
import textwrap

from keras_bert.files import replacing_file

PASSAGE = (
    "The lighthouse on the eastern cliff was built in 1874 from grey stone that ships carried over "
    "from the mainland. Its lamp burned oil until 1931, when the keeper's daughter, Ada Lindqvist, "
    "had a cable laid."
)
COMMANDS = (
    ["answer", "--model=answerer", "--passage=lighthouse.txt", "Who had the cable laid?"],
    ["classify", "--model=sentiment", "It starts slowly, but the end is tender and funny."],
    ["tag", "--model=tagger", "Ada Lindqvist moved from Gothenburg to work for Nordic Cable."],
)
_CODE = re.compile("\x1b\\[([0-9;]*)m")
# Of the codes that the program writes, on a dark ground.
_STYLES = {
    "1": "font-weight:bold",
    "2": "fill:#9aa5b1",
    "31": "fill:#ff8f87",
    "32": "fill:#8bd5a0",
    "33": "fill:#f2cf73",
    "34": "fill:#8ab8ff",
    "35": "fill:#d9a6f2",
    "36": "fill:#7fd6d6",
}
_COLUMNS, _WIDTH, _LINE, _MARGIN = 96, 8.43, 21, 18


def printed(arguments):
    """Returns what the program prints for the arguments, with its colour codes."""
    real = [
        f"--passage_text={PASSAGE}" if each.startswith("--passage=") else each for each in arguments
    ]
    command = [sys.executable, "-m", "keras_bert.device.main", *real, "--color"]
    found = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return found.stdout.rstrip("\n").expandtabs(4).split("\n")


def lines_of_page():
    """Yields the lines of the picture: each command, and what it prints."""
    for number, arguments in enumerate(COMMANDS):
        if number:
            yield ""
        shown = " ".join(each if "=" in each else shlex.quote(each) for each in arguments)
        command = textwrap.wrap(f"keras-bert-device {shown}", _COLUMNS - 4)
        for place, line in enumerate(command):
            yield f"\x1b[2m{'  ' if place else '$ '}\x1b[0m{'  ' if place else ''}{line}"
        yield from printed(arguments)


def drawn(line):
    """Returns the tspan elements of a line with colour codes."""
    parts = _CODE.split(line)
    styles, found = [], []
    for text, codes in zip(parts[::2], ["", *parts[1::2]], strict=True):
        for code in filter(None, codes.split(";")):
            styles = [] if code == "0" else [*styles, _STYLES.get(code, "")]
        if text:
            found.append(f'<tspan style="{";".join(styles)}">{_kept(text)}</tspan>')
    return "".join(found)


def _kept(text):
    # Not every program that draws SVG keeps several spaces in a row.
    return html.escape(text).replace(" ", "\N{NO-BREAK SPACE}")


def svg(lines):
    """Returns the picture of lines with colour codes."""
    width = round(_COLUMNS * _WIDTH) + 2 * _MARGIN
    height = len(lines) * _LINE + 2 * _MARGIN
    rows = [
        f'<text x="{_MARGIN}" y="{_MARGIN + 15 + number * _LINE}">{drawn(line)}</text>'
        for number, line in enumerate(lines)
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">'
        f'<rect width="{width}" height="{height}" rx="8" fill="#14181d"/>'
        f'<g font-family="ui-monospace,Menlo,Consolas,monospace" font-size="14" fill="#e6e9ed">'
    )
    return "\n".join([head, *rows, "</g></svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", required=True, help="the .svg file to write")
    options = parser.parse_args()
    picture = svg(list(lines_of_page()))
    with replacing_file(options.output) as path, open(path, "w", encoding="utf-8") as file:
        file.write(picture)


if __name__ == "__main__":
    main()
