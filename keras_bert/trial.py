"""Tries a stranger's file on a library in C, in a process of its own, before this one uses it.

Damaged files make some libraries loop without end, take all memory, or end the process: no
exception can be caught then. The trial is a copy of this process (a fork, on Linux alone; elsewhere
there is none), so it costs milliseconds and no second start.
"""

import contextlib
import gc
import os
import select
import signal
import sys
import warnings

from keras_bert.errors import InputError

_NO_MEMORY, _RAISED = 3, 4
_MESSAGE_BYTES = 2000
# A trial that waits without working, for a slow disk or for a lock, is given up.
_MOST_SECONDS = 120


def check_harmless(path, library, function, seconds, memory):
    """Raises InputError if a call fails, ends its process, or takes too much time or memory.

    Args:
        path: the file that the call reads, for the message.
        library: name of what reads it, for the message.
        function: the call, without arguments. It must raise no other exception than InputError for
            a bad file, and not use TensorFlow, whose threads a copy of a process lacks.
        seconds: int, the most of a processor's time.
        memory: int, the most bytes beyond those that this process has.

    Returns:
        Whether there was a trial, which ended well.
    """
    if sys.platform != "linux":
        return False
    sys.stderr.flush()
    reading, writing = os.pipe()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of forks where there are threads
            child = os.fork()
    except OSError:  # as where memory is strictly accounted
        os.close(reading)
        os.close(writing)
        return False
    if not child:
        _try(function, seconds, memory, writing)
    os.close(writing)
    with open(reading, "rb") as pipe:
        status = _status_of(child)
        code = 0 if status is None else os.waitstatus_to_exitcode(status)
        if code == _RAISED:
            raise InputError(pipe.read(_MESSAGE_BYTES).decode("utf-8", "replace"))
    if code == _NO_MEMORY:
        what = f"would take more than {memory:,} bytes of memory"
    elif code in (-signal.SIGXCPU, -signal.SIGKILL):
        what = f"keeps {library} busy without end"
    else:
        what = f"makes {library} fail ({signal.Signals(-code).name if code < 0 else code})"
    if code:
        raise InputError(f"{path}: {what}: it is damaged, or was made to do harm")
    return status is not None


def _try(function, seconds, memory, writing):
    """Calls the function within the limits and ends the process."""
    code = 0
    try:
        import faulthandler
        import resource

        faulthandler.disable()
        gc.disable()  # what this process does not own is not to be cleaned up in it
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGXCPU, signal.SIGABRT):
            signal.signal(number, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        limit = _address_space(resource.getpagesize()) + memory
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        if hard == resource.RLIM_INFINITY or limit < hard:
            resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
        function()
    except InputError as error:
        os.write(writing, str(error).encode("utf-8", "replace")[:_MESSAGE_BYTES])
        code = _RAISED
    except MemoryError:
        code = _NO_MEMORY
    except BaseException:  # this process would meet it again, and report it
        code = 0
    finally:
        os._exit(code)


def _address_space(page):
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * page


def _status_of(child):
    """Waits for the trial and returns its status; None if it is not known."""
    handle = None
    try:
        try:
            handle = os.pidfd_open(child)
        except OSError:  # kernels before 5.3 have none; the limit on its work still holds
            return os.waitpid(child, 0)[1]
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        if not poll.poll(1000 * _MOST_SECONDS):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        return os.waitpid(child, 0)[1]
    except ChildProcessError:
        return None
    except BaseException:
        with contextlib.suppress(OSError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        raise
    finally:
        if handle is not None:
            os.close(handle)
