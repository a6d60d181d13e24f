"""Asks a person at the terminal for texts, with the editing and the history of GNU readline.

Ctrl-D ends, Ctrl-C clears the line or gives up the answer that is being computed.
"""

import contextlib
import os
import sys

from keras_bert.device.state import is_private, make_private, state_path
from keras_bert.errors import InputError

# Texts that are kept, and of how many characters: a pasted passage is not worth a place.
_MOST_KEPT, _LONGEST_KEPT = 1000, 1000


class Prompt:
    """The line at which a person types.

    Args:
        keeps_history: whether what is typed is kept for the next time.
    """

    def __init__(self, keeps_history=True):
        self._path = state_path("history") if keeps_history else None
        try:
            import readline
        except ImportError:  # some builds of Python have none
            readline = None
        # Without a terminal to print to, `input` does not use it, and prompts would be output.
        self._readline = readline if sys.stdout.isatty() else None
        if self._readline is not None:
            self._readline.set_auto_history(False)  # passages are not kept

    def for_each(self, prompt, ask, complain):
        """Calls a function for each text that is typed, until the input ends.

        Args:
            prompt: what is asked for, such as "text".
            ask: function of a text and its name for messages; after its `InputError` the next
                text is asked for.
            complain: function that prints the message of an `InputError`.
        """
        # Bytes that are no UTF-8 then become characters that no text has, and are told as such.
        sys.stdin.reconfigure(errors="surrogateescape")
        with self._history():
            while True:
                try:
                    text = self.line(prompt)
                    if text is None:
                        return
                    ask(text, prompt)
                except InputError as error:
                    complain(error)
                except KeyboardInterrupt:
                    self._new_line()
                sys.stdout.flush()

    def line(self, prompt, is_kept=True):
        """Returns a line that is not blank, or None at the end of the input.

        Raises:
            InputError: it is not UTF-8.
            KeyboardInterrupt: on Ctrl-C.
        """
        while True:
            try:
                text = self._read(f"{prompt}> ")
            except EOFError:
                self._new_line()
                return None
            if not text.strip():
                continue
            try:
                text.encode()
            except UnicodeEncodeError:  # bytes that are no text, as the terminal sent them
                raise InputError(f"{prompt}: is not UTF-8") from None
            if is_kept and self._readline is not None and len(text) <= _LONGEST_KEPT:
                self._readline.add_history(text)
            return text

    def _read(self, prompt):
        if self._readline is not None:
            return input(prompt)
        sys.stdout.flush()
        print(prompt, end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\r\n")

    def _new_line(self):
        print(file=sys.stdout if self._readline is not None else sys.stderr)

    @contextlib.contextmanager
    def _history(self):
        """Within the block the lines of earlier runs can be called up; after it, all are kept."""
        if self._readline is None:
            yield
            return
        if self._path is not None and is_private(self._path):
            with contextlib.suppress(OSError, UnicodeError):
                self._readline.read_history_file(self._path)
        try:
            yield
        finally:
            self._keep()

    def _keep(self):
        if self._path is None:
            return
        self._readline.set_history_length(_MOST_KEPT)
        with contextlib.suppress(OSError):
            make_private(self._path)
            self._readline.write_history_file(self._path)
            os.chmod(self._path, 0o600)
