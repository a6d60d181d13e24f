"""What the program prints: results, one line for bad input, and the help."""

import json
import math
import sys

BAD_INPUT = 2


def print_result(result, lines, as_json):
    """Prints lines, and the result as one JSON object on the last line if asked for."""
    # Where the terminal cannot show a character, in the C locale say, its code is shown.
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    for line in lines:
        print(line.encode(encoding, "backslashreplace").decode(encoding))
    if as_json:
        ascii_only = encoding.lower().replace("-", "") != "utf8"
        print(json.dumps(_without_nan(result), ensure_ascii=ascii_only, allow_nan=False))


def _without_nan(value):
    """Returns a result with null in place of what JSON has no word for."""
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def complain(program, message):
    """Prints what is wrong as one line on stderr; returns the exit status of bad input."""
    # One line, whatever a library put into its message.
    print(f"{program}: {' '.join(str(message).split())}", file=sys.stderr)
    return BAD_INPUT


def usage(verbs):
    """Returns the program's help; `verbs` is a dict from each to what it does."""
    width = max(map(len, verbs))
    rows = "\n".join(f"  {verb.ljust(width)}  {what}" for verb, what in verbs.items())
    return (
        f"keras-bert VERB --flags\n\n{rows}\n\n"
        "`keras-bert VERB --help` lists a verb's flags.\n"
        "Results go to stdout, progress to stderr.\n"
        "Exit status: 0 done, 1 a check failed, 2 bad input."
    )


def verb_help(verb, what, module, values):
    """Returns a verb's help: what it does, its module's words, its flags and their defaults."""
    lines = [f"keras-bert {verb}: {what}", "", (module.__doc__ or "").strip(), ""]
    for name in sorted(values):
        flag = values[name]
        default = "" if flag.default in (None, "", False) else f" (default {flag.default})"
        lines.append(f"  --{name}  {flag.help}{default}")
    return "\n".join(lines)
