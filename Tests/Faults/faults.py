"""Makes calls of the system fail in the commands of the trainer and in loading a model.

    faults.py TRAINER SHIM LOADER [--mode MODE] [--call CALL] [--seed N] [--sample N]

SHIM is fail.c and LOADER is load.c, compiled. For each mode, a run without a fault counts the calls
of a kind; then the mode runs once for every n, and the n-th call fails, or is interrupted, or
transfers half of its bytes. Of a training's many allocations the first 1,000 are refused, one in
each run, and --sample random later ones; of all others every one. Then each mode runs under limits
of its address space, and so does the training of a large model.

Each run must end in time, not by a signal, with status 0 and the result of the run without a fault,
or with status 1 and a message. An interrupted or short call must not make a difference, nor must a
file system without locks, hard links or fsync on folders. What was there before must be there
still, or the new in its place; a training that has failed must go on to the same checkpoint, byte
for byte; and no other file may be left.
"""

import argparse
import collections
import concurrent.futures
import errno
import json
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile

SHORT = 0
# The faults of each kind of call.
FAULTS = {
    "read": [errno.EIO, errno.EINTR, SHORT],
    "write": [errno.ENOSPC, errno.EINTR, SHORT],
    "sync": [errno.EIO, errno.EINTR],
    "sync-folder": [errno.EIO, errno.EINTR],
    "rename": [errno.EACCES, errno.EINTR],
    "open": [errno.EMFILE, errno.EACCES, errno.EINTR],
    "close": [errno.EIO, errno.EINTR],
    "mmap": [errno.ENOMEM],  # only of a long text
    "malloc": [errno.ENOMEM],
    "flock": [errno.EIO, errno.EINTR],
    "link": [errno.EIO, errno.EINTR],
}
# Those of all calls: of a file system that lacks something, or without memory from some time on.
LACKING = {
    "sync": [errno.EINVAL, errno.ENOTSUP],
    "sync-folder": [errno.EINVAL, errno.ENOTSUP],
    "rename": [errno.EBUSY, errno.ETXTBSY],
    "flock": [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL],
    "link": [errno.EPERM, errno.ENOTSUP, errno.ENOSYS],
    "malloc": [errno.ENOMEM],
}
# What every program must do without.
DISPENSABLE = {"sync-folder", "flock", "link"}
TIME_LIMIT = 60
MEGABYTE = 1_000_000

# Earlier checkpoints of a training.
KEPT = re.compile(r"run/update-\d{9}\.safetensors")
Result = collections.namedtuple("Result", "status output errors")
TRAINING = [
    "--hidden", "6", "--layers", "1", "--batch", "2", "--time", "20", "--threads", "1", "--keep", "2",
    "--checkpoint-every", "8", "--report-every", "5",
]


class Mode:
    """What is run in a folder, and what must be there afterwards."""

    # The kinds of faults, and the limits in megabytes, where the program can be loaded.
    calls = [*FAULTS, "limit"]
    limits = range(60, 130)

    def __init__(self, tools, template):
        self.tools, self.template = tools, template
        with tempfile.TemporaryDirectory() as folder:
            self.prepare(folder)
            self.expected = self.run(folder)
            if self.expected.status != 0:
                sys.exit(f"{self.command} without a fault: {self.expected}")
            self.files = self.contents(folder)

    def prepare(self, folder):
        shutil.copytree(self.template, folder, dirs_exist_ok=True)

    def run(self, folder, command=None, **environment):
        process = subprocess.run(
            command or self.command, cwd=folder, env={**os.environ, **environment}, capture_output=True,
            timeout=TIME_LIMIT)
        return Result(process.returncode, process.stdout, process.stderr)

    def contents(self, folder):
        """The bytes of the files without the folder's path, and what does not depend on time."""
        files = {}
        for path in pathlib.Path(folder).rglob("*"):
            name = str(path.relative_to(folder))
            files[name] = path.read_bytes().replace(os.fsencode(folder), b"FOLDER") if path.is_file() else None
            if path.name == "metrics.jsonl":
                reports = [json.loads(line) for line in files[name].splitlines()]
                files[name] = [(report["update"], report["loss"]) for report in reports]
            if path.name == "samples.jsonl":
                files[name] = None
        return files

    def problem(self, folder, result):
        """What is wrong after a run; None for nothing."""
        files = self.contents(folder)
        if others := {name for name in files if name not in self.files and not KEPT.fullmatch(name)}:
            return f"it leaves {others}"
        # A failure may leave more of the earlier checkpoints.
        files = {name: file for name, file in files.items() if name in self.files}
        if result.status == 0:
            return None if files == self.files and result.output == self.expected.output else "the result is another"
        return self.loss(folder, files, result)


class Train(Mode):
    def __init__(self, tools, template):
        self.command = [tools.trainer, "train", "text.txt", "--run", "run", "--epochs", "2", *TRAINING]
        super().__init__(tools, template)

    def prepare(self, folder):
        shutil.copy(self.template / "text.txt", folder)

    def problem(self, folder, result):
        # The speed is in each report.
        return super().problem(folder, result._replace(output=self.expected.output))

    def continuation(self, files):
        """The command that goes on after a failure."""
        has_checkpoint = "run/last.safetensors" in files
        return [self.tools.trainer, "resume", "run", "--threads", "1"] if has_checkpoint else self.command

    def loss(self, folder, files, result):
        if files == self.files:
            return None
        again = self.run(folder, self.continuation(files))
        files = {name: file for name, file in self.contents(folder).items() if name in self.files}
        different = sorted(name for name in self.files | files if files.get(name, 0) != self.files.get(name, 0))
        return f"it goes on to other {different}: {again.errors.decode()}" if again.status or different else None


class Resume(Train):
    def __init__(self, tools, template):
        self.command = [tools.trainer, "resume", "run", "--epochs", "2", "--threads", "1"]
        Mode.__init__(self, tools, template)

    prepare = Mode.prepare

    def continuation(self, files):
        return self.command


class Export(Mode):
    def __init__(self, tools, template):
        self.command = [tools.trainer, "export", "model.cgw", "--run", "run", "--weights", "int8"]
        super().__init__(tools, template)

    def problem(self, folder, result):
        # What it prints matters less than the model.
        return super().problem(folder, result._replace(output=self.expected.output))

    def loss(self, folder, files, result):
        old = (self.template / "model.cgw").read_bytes()
        files["model.cgw"] = self.files["model.cgw"] if files["model.cgw"] == old else files["model.cgw"]
        return None if files == self.files else "files have changed"


class Print(Mode):
    """A command that prints and writes no file."""

    def loss(self, folder, files, result):
        if not self.expected.output.startswith(result.output):
            return "the output is another"
        return None if files == self.files else "files have changed"


class Generate(Print):
    def __init__(self, tools, template):
        self.command = [
            tools.trainer, "generate", "model.cgw", "--seed", "1", "--length", "60", "--prompt", "ab", "--count", "2"]
        super().__init__(tools, template)


class Inspect(Print):
    def __init__(self, tools, template):
        self.command = [tools.trainer, "inspect", "model.cgw"]
        super().__init__(tools, template)


class Evaluate(Print):
    def __init__(self, tools, template):
        self.command = [tools.trainer, "evaluate", "model.cgw", "text.txt"]
        super().__init__(tools, template)


class Load(Print):
    def __init__(self, tools, template):
        self.command = [tools.loader, "model.cgw"]
        super().__init__(tools, template)


class TrainLarge(Train):
    """Parameters of gigabytes, for which no limit has enough memory."""

    calls = ["limit"]
    limits = range(100, 2600, 100)

    def __init__(self, tools, template):
        self.tools, self.template = tools, template
        self.command = [tools.trainer, "train", "text.txt", "--run", "run", "--hidden", "4096", "--layers", "2"]

    def problem(self, folder, result):
        files = {path.name for path in pathlib.Path(folder).rglob("*")} - {"text.txt", "run", "settings.json"}
        return f"it leaves {files}" if files else None if result.status == 1 else "it must fail"


class TrainLongText(Train):
    """A text that is so long that its symbols are mapped into memory."""

    calls = ["mmap"]

    def __init__(self, tools, template):
        self.tools = tools
        self.text = tempfile.NamedTemporaryFile()
        self.text.write((template / "text.txt").read_bytes() * 120_000)
        self.text.flush()
        self.command = [tools.trainer, "train", self.text.name, "--run", "run", "--hidden", "4", "--minutes", "0.02"]

    def prepare(self, folder):
        pass

    def problem(self, folder, result):
        files = os.listdir(folder)
        return f"it leaves {files}" if result.status == 1 and files else None


MODES = {
    "train": Train, "resume": Resume, "export": Export, "generate": Generate, "inspect": Inspect, "evaluate": Evaluate,
    "load": Load, "train-large": TrainLarge, "train-long-text": TrainLongText,
}


def attempt(mode, call, at, fault):
    """Runs a mode with a fault; returns the number of calls and what is wrong."""
    with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile() as count:
        count.write(bytes(8))
        count.flush()
        mode.prepare(folder)
        try:
            if call == "limit":
                result = mode.run(folder, ["prlimit", f"--as={at}", *mode.command])
            else:
                result = mode.run(
                    folder, LD_PRELOAD=str(mode.tools.shim), FAIL_CALL=call, FAIL_AT=at, FAIL_WITH=str(fault),
                    FAIL_COUNT=count.name)
        except subprocess.TimeoutExpired:
            return 0, "it does not end"
        calls = struct.unpack("=Q", pathlib.Path(count.name).read_bytes())[0]
        if result.status not in (0, 1):
            problem = "it ends by a signal"
        elif result.status == 1 and b"\nError: " not in b"\n" + result.errors:
            problem = "no message"
        elif result.status == 1 and (fault in (errno.EINTR, SHORT) or "+" in at and call in DISPENSABLE):
            problem = "it must not fail"
        else:
            problem = mode.problem(folder, result)
        return calls, problem and f"{problem}; status {result.status}, {result.errors.decode(errors='replace')[-300:]}"


def faults(mode, call, generator, sample):
    """The number of a mode's calls, and the faults to try: which call fails, and the error."""
    if call == "limit":
        limits = [str(megabytes * MEGABYTE) for megabytes in mode.limits]
        loads = [subprocess.run(["prlimit", f"--as={limit}", mode.command[0], "--version"], capture_output=True).returncode
                 for limit in limits]
        return 0, [(limit, errno.ENOMEM) for limit, status in zip(limits, loads) if status in (0, 1)]
    calls, problem = attempt(mode, call, "0", 0)
    if problem:
        sys.exit(f"{mode.command} with the shim: {problem}")
    places = list(range(1, calls + 1))
    if call == "malloc" and isinstance(mode, Train):
        first, later = places[:1000], places[1000:]
        places = first + sorted(generator.sample(later, min(sample, len(later))))
    single = [(str(place), fault) for fault in FAULTS[call] for place in places]
    all_later = places[::10] if call == "malloc" else places[:1]
    return calls, single + [(f"{place}+", fault) for fault in LACKING.get(call, []) for place in all_later]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ["trainer", "shim", "loader"]:
        parser.add_argument(name, type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--mode", choices=MODES)
    parser.add_argument("--call", choices=Mode.calls)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--sample", type=int, default=1000)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    generator = random.Random(options.seed)
    # In memory, where fsync takes no time.
    tempfile.tempdir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    total, failures = 0, 0
    with tempfile.TemporaryDirectory() as template, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        template = pathlib.Path(template)
        letters = random.Random(1).choices("abcdefgh ", k=600)
        (template / "text.txt").write_text("".join(letters) + "\n")
        for arguments in [["train", "text.txt", "--run", "run", "--epochs", "1", *TRAINING],
                          ["export", "model.cgw", "--run", "run"]]:
            subprocess.run([options.trainer, *arguments], cwd=template, check=True, capture_output=True)
        for name, kind in MODES.items():
            if options.mode not in (None, name):
                continue
            mode = kind(options, template)
            for call in mode.calls:
                if options.call not in (None, call):
                    continue
                calls, attempts = faults(mode, call, generator, options.sample)
                results = list(pool.map(lambda pair: attempt(mode, call, *pair)[1], attempts))
                bad = [(pair, problem) for pair, problem in zip(attempts, results) if problem]
                for (at, fault), problem in bad:
                    print(f"  {call} {at}, {errno.errorcode.get(fault, 'short')}: {problem}")
                if attempts:
                    print(f"{name}, {call}: {calls} calls, {len(attempts)} faults, {len(bad)} failures", flush=True)
                total += len(attempts)
                failures += len(bad)
    print(f"{total} faults, {failures} failures")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
