"""Runs `plan.py` on a GPU that is lent for minutes, and leaves what was made in small files.

    python benchmarks/gpu/run.py DATA --seconds=540 --output=OUT --mlm_steps=1200
    python benchmarks/gpu/run.py DATA --seconds=300 --output=OUT --only=sst2_0,sst2_1,sst2

DATA is a folder that `pack.py` made. Commands run side by side, --jobs at once, each as soon as
what it needs is there. Before the time is over the commands in progress are asked to save and to
end, as by Ctrl-C; their states stay below --runs, where the same command goes on with them. OUT
gets each command's log and its result, and of each kept model the weights in float16, in at most
--files files of 15 MiB: `join.sh` there puts them together again.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time

import float16
from plan import plan

_PART_BYTES = 15 * 2**20
# To write a state of 362 MB and end; and to halve and split two models.
_SECONDS_TO_SAVE, _SECONDS_TO_PACK = 15, 12


class Job:
    """A command in progress."""

    def __init__(self, command, options, deadline):
        places = {"data": options.data, "runs": options.runs}
        arguments = [_there(argument.format(**places)) for argument in command.arguments]
        self.command = command
        self.deadline = deadline
        self.log = open(os.path.join(options.output, f"{command.name}.log"), "w", encoding="utf-8")
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "keras_bert", *arguments, "--resume",
                f"--output={os.path.join(options.runs, command.name)}",
            ],
            stdout=subprocess.PIPE, stderr=self.log, text=True,
        )  # fmt: skip
        self.began = time.monotonic()
        self.is_asked = False

    def has_ended(self, names):
        """Returns whether it has ended; asks it to, when its time is over.

        Args:
            names: those of the commands in progress.
        """
        if self.command.beside and self.command.beside not in names:
            self.deadline = min(self.deadline, time.monotonic())
        if self.process.poll() is not None:
            return True
        if time.monotonic() > self.deadline + _SECONDS_TO_SAVE:
            self.process.kill()
        elif time.monotonic() > self.deadline and not self.is_asked:
            self.is_asked = True
            self.process.send_signal(signal.SIGINT)
        return False

    def result(self):
        """Returns a dict of what came of it."""
        lines = self.process.stdout.read().splitlines()
        self.log.close()
        found = {"name": self.command.name, "status": self.process.returncode}
        found["seconds"] = round(time.monotonic() - self.began, 1)
        if self.process.returncode == 0:
            found["result"] = {
                key: value for key, value in json.loads(lines[-1]).items() if key != "labels"
            }
        return found


def _there(argument):
    """Returns a flag without those teachers that were not trained in time."""
    if not argument.startswith("--teacher="):
        return argument
    names = argument.removeprefix("--teacher=").split(",")
    return "--teacher=" + ",".join(name for name in names if os.path.isdir(name))


def run(commands, options, deadline):
    """Runs commands until all are done or the time is over; writes results as they come."""
    waiting, running = list(commands), []
    while waiting or running:
        names = {job.command.name for job in running}
        for job in [job for job in running if job.has_ended(names)]:
            running.remove(job)
            found = job.result()
            with open(os.path.join(options.output, "results.jsonl"), "a", encoding="utf-8") as file:
                file.write(json.dumps(found) + "\n")
            print(json.dumps({**found, "result": _short(found.get("result", {}))}), flush=True)
        busy = {command.name for command in waiting} | {job.command.name for job in running}
        for command in list(waiting):
            # One teacher of several is enough, so what failed holds nothing up.
            is_ready = not busy.intersection(command.needs)
            if is_ready and len(running) < options.jobs and time.monotonic() < deadline:
                waiting.remove(command)
                running.append(Job(command, options, deadline))
        if not running:
            break  # what waits can not start any more
        time.sleep(0.2)


def _short(result):
    names = (
        "f1",
        "exact_match",
        "accuracy",
        "masked_lm_accuracy",
        "masked_lm_loss",
        "rows_a_second",
    )
    return {name: result[name] for name in names if name in result}


def send_back(names, options):
    """Writes the kept models' weights in float16, in parts, and how to join them."""
    lines, count = ["set -e", 'cd "$(dirname "$0")"'], 0
    for name in names:
        folder = os.path.join(options.runs, name)
        halved = folder + ".float16"
        float16.halve(folder, halved)
        archive = halved + ".tar"
        subprocess.run(["tar", "cf", archive, "-C", options.runs, f"{name}.float16"], check=True)
        with open(archive, "rb") as file:
            data = file.read()
        parts = [data[at : at + _PART_BYTES] for at in range(0, len(data), _PART_BYTES)]
        if count + len(parts) > options.files:
            print(f"{name}: not sent back, for there is no room for {len(parts)} more files")
            continue
        count += len(parts)
        for index, part in enumerate(parts):
            with open(os.path.join(options.output, f"{name}.tar.{index}"), "wb") as file:
                file.write(part)
        lines.append(f"cat {name}.tar.? | tar xf - -C ${{1:-.}}")
    with open(os.path.join(options.output, "join.sh"), "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--runs", default="/tmp/runs", help="folder of models and states")
    parser.add_argument("--mlm_steps", type=int, default=1000)
    parser.add_argument("--only", help="names of commands, separated by commas")
    parser.add_argument("--keep", help="names of models to send back, in place of the plan's")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--files", type=int, default=6)
    options = parser.parse_args()
    deadline = time.monotonic() + options.seconds - _SECONDS_TO_SAVE - _SECONDS_TO_PACK
    for folder in (options.output, options.runs):
        os.makedirs(folder, exist_ok=True)
    commands = plan(options.mlm_steps)
    if options.only:
        commands = [each for each in commands if each.name in options.only.split(",")]
    run(commands, options, deadline)
    kept = options.keep.split(",") if options.keep else [c.name for c in commands if c.keep]
    send_back([name for name in kept if os.path.isdir(os.path.join(options.runs, name))], options)


if __name__ == "__main__":
    main()
