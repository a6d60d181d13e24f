"""From the files of a corpus to a vocabulary file."""

import dataclasses
import glob

from keras_bert.errors import InputError
from keras_bert.files import check_file_replaceable, check_not_input, replacing_file
from keras_bert.settings import REQUIRED, check_settings, setting
from keras_bert.tasks.plain_texts import lines_of
from keras_bert.text.vocabulary import train_vocabulary


@dataclasses.dataclass(frozen=True, kw_only=True)
class VocabSettings:
    """What `vocab` takes."""

    corpus: str = setting(
        REQUIRED, "files, as a glob: plain text, or JSON lines with `text`", is_path=True
    )
    # The trainer takes memory for all of them at once; multilingual ones have 250,000.
    size: int = setting(REQUIRED, "number of tokens", low=10, high=10**6)
    output: str = setting(REQUIRED, "the file to write", is_path=True)
    lower_case: bool = setting(False, "make an uncased vocabulary")

    __post_init__ = check_settings


def vocab(**settings):
    """Makes a WordPiece vocabulary from a corpus; the same corpus always gives the same file.

    Args:
        **settings: of `VocabSettings`: `corpus`, `size`, `output`, `lower_case`.

    Returns:
        A dict: `output`, `size`, the number of tokens, and `files`, the number of files read.

    Raises:
        InputError: there is no such file, one is broken, or the output cannot be written.
    """
    settings = VocabSettings(**settings)
    paths = sorted(glob.glob(settings.corpus, recursive=True))
    if not paths:
        raise InputError("no such file", place=settings.corpus)
    for path in paths:
        check_not_input(settings.output, path)
    check_file_replaceable(settings.output)
    tokens = train_vocabulary(lines_of(paths), settings.size, lower_case=settings.lower_case)
    with (
        replacing_file(settings.output) as temporary,
        open(temporary, "w", encoding="utf-8", newline="") as file,
    ):
        file.writelines(f"{token}\n" for token in tokens)
    return {"output": settings.output, "size": len(tokens), "files": len(paths)}
