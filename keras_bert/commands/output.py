"""Prints results, one line for bad input, and the help."""

import json
import math
import sys

from keras_bert.commands.flags import EVERY_VERB, is_required

BAD_INPUT = 2


def print_result(result, lines, as_json):
    """Prints lines; with JSON the result as one object, and the lines to stderr.

    Then a program such as jq can read stdout.
    """
    stream = sys.stderr if as_json else sys.stdout
    # If the terminal cannot show a character, as in the C locale, its code is printed.
    encoding = getattr(stream, "encoding", None) or "utf-8"
    for line in lines:
        print(line.encode(encoding, "backslashreplace").decode(encoding), file=stream)
    if as_json:
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        ascii_only = encoding.lower().replace("-", "") != "utf8"
        print(json.dumps(_without_nan(result), ensure_ascii=ascii_only, allow_nan=False))


def _without_nan(value):
    """Returns a result with null in place of numbers that JSON cannot hold."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def complain(program, message):
    """Prints a message as one line on stderr; returns the exit status of bad input."""
    # A library's message may have several lines.
    print(f"{program}: {' '.join(str(message).split())}", file=sys.stderr)
    return BAD_INPUT


def usage(verbs):
    """Returns the program's help; `verbs` is a dict from verb to description."""
    width = max(map(len, verbs))
    rows = "\n".join(f"  {verb.ljust(width)}  {what}" for verb, what in verbs.items())
    return (
        f"keras-bert VERB --flags\n\n{rows}\n\n"
        "`keras-bert help VERB` lists a verb's flags.\n"
        "Results go to stdout, progress to stderr; with --json stdout has one JSON object.\n"
        "Exit status: 0 done, 1 a check failed, 2 bad input."
    )


def verb_help(verb, what, module, values):
    """Returns a verb's help: its description, its module's docstring, its flags in groups."""
    lines = [f"keras-bert {verb}: {what}", "", (module.__doc__ or "").strip()]
    groups = {"needed": [], "not needed": []}
    for name in sorted(values):
        flag = values[name]
        group = "needed" if is_required(flag) else getattr(flag, "group", "") or "not needed"
        groups.setdefault(group, []).append(flag)
    for group in sorted(groups, key=lambda group: group == EVERY_VERB):
        if groups[group]:
            lines += ["", f"{group}:"]
        for flag in groups[group]:
            default = "" if flag.default in (None, "", False) else f" (default {flag.default})"
            lines.append(f"  --{flag.name}  {flag.help}{default}")
    return "\n".join(lines)
