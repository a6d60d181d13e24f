"""Finds the columns of a table by their usual names, in whatever case."""

from keras_bert.errors import InputError, name_of
from keras_bert.guesses import guess


def find_column(table, role, wanted, usual, setting=None):
    """Returns the name of the column that has a role: the wanted one, or the first usual name.

    Where several columns have usual names, the choice is said as a guess.

    Args:
        table: `Table`.
        role: "text", "text_b" or "label", as the settings for it begin.
        wanted: str, or None.
        usual: tuple of str.
        setting: str, the name of the setting; None: the role and "_column".

    Raises:
        InputError: there is no such column; lists the columns.
    """
    setting = setting or f"{role}_column"
    if wanted is not None:
        if wanted not in table.columns:
            raise InputError(
                f"{table.path}: no column {wanted!r}; its columns are {some(table.columns)}"
            )
        return wanted
    found = usual_columns(table, usual)
    if not found:
        raise InputError(
            f"{table.path}: no {role} column (looked for {', '.join(usual)}); its columns are "
            f"{some(table.columns)}: name it with {name_of(setting)}, or, if the file has no "
            f"header, name all columns with {name_of('columns')}"
        )
    say_choice(table, role, found, setting)
    return found[0]


def usual_columns(table, usual):
    """Returns the columns that have a usual name, in the order of these names.

    Args:
        table: `Table`.
        usual: iterable of str; a column may have one in capitals.
    """
    by_name = {}
    for column in table.columns:
        by_name.setdefault(str(column).casefold(), column)
    found = [name if name in table.columns else by_name.get(name.casefold()) for name in usual]
    return list(dict.fromkeys(column for column in found if column is not None))


def say_choice(table, role, fitting, setting):
    """Says which of several columns was chosen: the first."""
    chosen, *others = fitting
    if others:
        reason = f"the {role} is in column {chosen!r}, though {some(others)} would fit too"
        guess(reason, setting, chosen, place=table.path)


def check_distinct(table, columns):
    """Raises InputError if a column of a table would be used for two things."""
    for column in columns:
        if columns.count(column) > 1:
            raise InputError(f"{table.path}: column {column!r} is used twice")


def some(names, most=12):
    """Returns names for a message, at most `most` of them."""
    names = [str(name)[:40] for name in names]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
