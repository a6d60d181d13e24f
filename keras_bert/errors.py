"""The exceptions that the command line turns into an exit status."""


class InputError(ValueError):
    """Bad input from the user.

    The command line prints its message as one line and exits with status 2.
    """


def about_one_text(error, name):
    """Returns an `InputError` about a list of one text as one about the text of that name."""
    reason = str(error).removeprefix("the texts:1: ").removeprefix("the texts: ")
    return InputError(f"{name}: {reason}")


class Diverged(InputError):
    """A training whose weights are not finite any more; another seed of it may do."""


class CheckFailed(Exception):
    """A gate was not passed, such as accuracy after quantization.

    The command line prints the result all the same and exits with status 1.

    Args:
        message: what failed, one line.
        result: dict of the results.
        lines: list of str, the printed report.
    """

    def __init__(self, message, result, lines):
        super().__init__(message)
        self.result = result
        self.lines = lines
