"""What `finetune` still declares by hand."""

from absl import flags

from keras_bert import files
from keras_bert.commands.flags import define, settings_from
from keras_bert.files import check_not_input  # noqa: F401
from keras_bert.opening import load_bert  # noqa: F401
from keras_bert.quiet import import_tensorflow_quietly  # noqa: F401
from keras_bert.tasks.task import FileLayout


def define_column_flags(values):
    """Declares the flags that say where a file keeps its texts and labels."""
    define(values, FileLayout, skip=("misaligned",))


def define_string(values, name, text, default=None, required=False):
    """Declares a string flag; `required` ones must be given."""
    flags.DEFINE_string(name, default, text, flag_values=values)
    if required:
        flags.mark_flag_as_required(name, flag_values=values)
    if required or default is not None:
        # An unset variable of a shell script, --output=$OUT, would name the current folder.
        flags.register_validator(name, lambda value: value != "", "is empty", flag_values=values)


def file_layout(values, training=False):
    """Returns the `FileLayout` that the column flags ask for, for training or for scoring."""
    found = settings_from(values, FileLayout)
    return found if training else found.for_scoring()


def check_path(path):
    """Returns the path; raises InputError if nothing is there."""
    files.check_path(path)
    return path
