"""The lines that `verify` prints: two columns for one file, a table for several."""

import os


def report_lines(result, metrics):
    """Returns the result of one file as lines to print.

    Args:
        result: the result of `verify.compare`.
        metrics: names of the scores to print.
    """
    model, exported = result["model_scores"], result["exported_scores"]
    rows = [("", "model", "exported")]
    rows += [(name, f"{model[name]:.4f}", f"{exported[name]:.4f}") for name in metrics]
    megabytes = [result[f"{which}_bytes"] / 1e6 for which in ("model", "exported")]
    rows.append(("size, MB", *(f"{size:.2f}" for size in megabytes)))
    if "model_ms" in result:
        latency = f"ms a row, {result['timed_length']} tokens"
        rows.append((latency, f"{result['model_ms']:.2f}", f"{result['exported_ms']:.2f}"))
    width = max(len(row[0]) for row in rows)
    return [
        *(f"{name.ljust(width)}  {a:>10}  {b:>10}" for name, a, b in rows),
        agreement_line(result),
        verdict(result),
    ]


def agreement_line(result):
    """Returns how often a file answers as its model, and the largest difference of an output."""
    difference = result["max_difference"]
    return same_line(result, str(result["count"])) + (
        "" if difference is None else f"; largest difference of an output {difference:.2e}"
    )


def same_line(result, count):
    """Returns how often a file answers as its model.

    Args:
        result: a dict of `TaskComparison.of`.
        count: str, the number of its examples.
    """
    if is_of_vectors(result):
        return f"same nearest text for {result['agreement']:.2%} of {count} texts"
    return f"same answer on {result['agreement']:.2%} of {count} examples"


def is_of_vectors(result):
    """Says whether a comparison is that of a sentence embedder, whose answers are vectors."""
    return "same_neighbour" in result["exported_scores"]


def verdict(result):
    """Returns the last line: what was lost or gained, and whether that is within the limit."""
    points = 100 * result["drop"]
    if round(points, 2) == 0:
        line = f"{result['metric']} lost: 0.00 points"
    else:
        line = f"{result['metric']} {'lost' if points > 0 else 'gained'}: {abs(points):.2f} points"
    if "passed" not in result:
        return line
    limit = f"at most {100 * result['max_drop']:.2f} may be lost"
    return f"{line}: {'passed' if result['passed'] else 'failed'} ({limit})"


def table_lines(result):
    """Returns the result of several files as a table to print, and the verdict of each.

    Args:
        result: the result of `verify.verify` for several files.
    """
    model, files = result["model"], result["files"]
    costs = [column for column in _COSTS if column[1](model) or any(map(column[1], files))]
    metric = files[0]["metric"]
    titles = [metric, "points lost", "same", "difference", "MB", *(title for title, _ in costs)]
    rows = [["model", f"{files[0]['model_scores'][metric]:.4f}", "", "", "",
             _megabytes(model["bytes"])]]  # fmt: skip
    for each in files:
        difference = each["max_difference"]
        rows.append(
            [
                short_name(each["exported"]),
                f"{each['exported_scores'][metric]:.4f}",
                f"{100 * each['drop'] + 0.0:.2f}",
                f"{each['agreement']:.2%}",
                "" if difference is None else f"{difference:.1e}",
                _megabytes(each["exported_bytes"]),
            ]
        )
    for row, each in zip(rows, [model, *files], strict=True):
        row += [cell(each) for _, cell in costs]
    lines = aligned([["", *titles], *rows])
    lines.append(f"{files[0]['count']} examples{_conditions(files)}")
    return [*lines, *(f"{short_name(each['exported'])}: {verdict(each)}" for each in files)]


def aligned(rows):
    """Returns rows of cells as lines: the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def short_name(path):
    """Returns the last part of a path."""
    return os.path.basename(os.path.normpath(path))


def _conditions(files):
    lengths = sorted({each["timed_length"] for each in files if "timed_length" in each})
    if not lengths:
        return ""
    return f"; ms for one row of {' or '.join(map(str, lengths))} tokens"


def _megabytes(count):
    return f"{count / 1e6:.2f}"


def _milliseconds(threads):
    def cell(each):
        ms = each.get("latency_ms", {}).get(str(threads))
        return "" if ms is None else f"{ms:.2f}"

    return cell


def _cold_start(each):
    ms = each.get("cold_start_ms")
    return "" if ms is None else f"{ms:.0f}"


def _peak(each):
    peak = each.get("peak_bytes")
    return "" if peak is None else f"{peak / 1e6:.0f}"


# Titles and cells of what was measured in processes of their own.
_COSTS = (
    ("ms, 1 thread", _milliseconds(1)),
    ("2 threads", _milliseconds(2)),
    ("cold start ms", _cold_start),
    ("peak MB", _peak),
)
