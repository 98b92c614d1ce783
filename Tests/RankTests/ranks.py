"""Trainings on several ranks give the same checkpoint, byte for byte, as on one.

    ranks.py TRAINER [--hosts N]

Each kind of training is run on 1 to 4 ranks of 1 and 2 threads. Some are killed, stopped and made
to fail. With --hosts, as root, the ranks run in as many network namespaces, which share nothing but
a virtual switch and the file system.
"""

import argparse
import contextlib
import hosts
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

COMMON = ["--layers", "2", "--hidden", "24", "--time", "20", "--epochs", "1", "--sample-length", "0"]
CASES = {
    "streams, lstm": ["text.txt", "--preset", "char-rnn", "--batch", "10", "--slices", "4"],
    "clipping, running means and dropout": [
        "text.txt", "--cell", "gru", "--batch", "11", "--slices", "7", "--average", "0.9", "--dropout", "0.2", "--weight-dropout", "0.1",
        "--clip-norm", "0.1", "--validation-text", "other.txt"],
    "windows in bfloat16": [
        "text.txt", "--cell", "rnn", "--batching", "windows", "--stride", "9", "--burn-in", "5", "--batch", "20", "--slices", "16",
        "--precision", "bf16"],
    "documents": ["text.txt", "--documents", "line", "--slices", "5", "--variational-dropout", "--dropout", "0.3"],
    "windows of one document": [
        "text.txt", "--documents", "paragraph", "--preset", "notebook", "--slices", "4"],
    "a sampled softmax": ["wide.txt", "--batch", "6", "--slices", "4", "--sampled-softmax", "8"],
    "labels": ["labels.csv", "--csv", "--columns", "2", "--label", "class=1", "--cell", "lstm", "--slices", "6"],
}


class Failure(Exception):
    pass


def check(title, condition, explanation=""):
    if not condition:
        raise Failure(f"{title}: {explanation}")
    print(f"ok: {title}", flush=True)


def texts(folder):
    generator = random.Random(1)
    words = ["".join(generator.choices("abcdefghij", k=generator.randint(1, 8))) for _ in range(200)]
    lines = [" ".join(generator.choices(words, k=generator.randint(2, 12))) for _ in range(300)]
    text = "".join(line + ("\n\n" if index % 9 == 8 else "\n") for index, line in enumerate(lines))
    (folder / "text.txt").write_text(text, encoding="utf-8")
    (folder / "other.txt").write_text(text[:2000], encoding="utf-8")
    characters = "abcdefghij" * 50 + "".join(map(chr, range(0x4E00, 0x4E00 + 200)))
    (folder / "wide.txt").write_text("".join(generator.choices(characters, k=4000)), encoding="utf-8")
    rows = "".join(f"{index % 3},{line}\n" for index, line in enumerate(lines[:200]))
    (folder / "labels.csv").write_text("class,text\n" + rows, encoding="utf-8")


class Tests:
    def __init__(self, trainer, folder, network):
        self.trainer, self.folder, self.network = trainer, folder, network

    def command(self, ranks, *arguments):
        own = [str(self.trainer), *map(str, arguments)]
        return own if ranks == 1 else [*self.network.mpirun(ranks), *own]

    def start(self, ranks, *arguments):
        environment = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        return subprocess.Popen(
            self.command(ranks, *arguments), cwd=self.folder, env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True)

    def run(self, ranks, *arguments):
        process = self.start(ranks, *arguments)
        try:
            output, errors = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise Failure(f"{' '.join(process.args)} hangs") from None
        return process.returncode, output, errors

    def train(self, ranks, *arguments):
        status, _, errors = self.run(ranks, *arguments)
        if status != 0:
            raise Failure(f"{arguments} on {ranks} ranks ended with {status}: {errors}")

    def checkpoints(self, run):
        return [(self.folder / run / name).read_bytes()
                for name in ["last.safetensors", "best.safetensors"] if (self.folder / run / name).exists()]

    def same_bytes(self):
        for number, (name, arguments) in enumerate(CASES.items()):
            expected = None
            for ranks in [1, 2, 3, 4]:
                for threads in [1, 2]:
                    run = f"run-{number}-{ranks}-{threads}"
                    self.train(ranks, "train", *COMMON, *arguments, "--threads", threads, "--run", run)
                    expected = expected or self.checkpoints(run)
                    if self.checkpoints(run) != expected:
                        raise Failure(f"{name}: {ranks} ranks of {threads} threads give another checkpoint")
            check(f"{name}: the same bytes on 1 to 4 ranks of 1 and 2 threads", expected)

    LONG = ["text.txt", "--preset", "char-rnn", "--hidden", "64", "--batch", "16", "--epochs", "12", "--slices", "4",
            "--checkpoint-every", "3", "--sample-length", "0", "--threads", "1"]

    def ranks_of(self, process):
        """The ranks' processes, in their order."""
        found = {}
        for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                variables = path.read_bytes().split(b"\0")
                executable = os.readlink(path.parent / "exe")
                rank = [v.split(b"=")[1] for v in variables if v.startswith(b"OMPI_COMM_WORLD_RANK=")]
                if rank and executable == str(self.trainer):
                    found[int(rank[0])] = int(path.parent.name)
        return [found[rank] for rank in sorted(found)]

    def wait_for_checkpoint(self, run, process):
        """Waits until a training has saved a few updates."""
        path = self.folder / run / "last.safetensors"
        for _ in range(600):
            if path.exists():
                updates = re.search(rb'"updates\\":(\d+)|"updates":(\d+)', path.read_bytes())
                if updates and int(updates[1] or updates[2]) >= 3:
                    return
            if process.poll() is not None:
                raise Failure(f"the training ended early: {process.stderr.read()}")
            time.sleep(0.02)
        raise Failure("the training does not begin")

    def interruptions(self):
        self.train(1, "train", *self.LONG, "--run", "whole")
        expected = self.checkpoints("whole")
        generator = random.Random(2)
        for number, (first, second) in enumerate([(1, 3), (3, 2), (2, 1), (4, 3), (3, 4)]):
            run = f"killed-{number}"
            process = self.start(first, "train", *self.LONG, "--run", run)
            self.wait_for_checkpoint(run, process)
            time.sleep(generator.random() * 0.3)
            os.killpg(process.pid, signal.SIGKILL)
            for pid in self.ranks_of(process) if first > 1 else []:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.communicate()
            self.train(second, "resume", run, "--threads", 1)
            check(f"killed on {first} ranks and resumed on {second}, the same bytes", self.checkpoints(run) == expected)

        process = self.start(3, "train", *self.LONG, "--run", "stopped")
        self.wait_for_checkpoint("stopped", process)
        process.send_signal(signal.SIGTERM)
        errors = process.communicate(timeout=60)[1]
        check("mpirun, asked to end, ends the training", process.returncode != 0, errors)
        self.train(2, "resume", "stopped", "--threads", 1)
        check("and it resumes to the same bytes", self.checkpoints("stopped") == expected)

        for victim in [0, 1, 2]:
            run = f"bereft-{victim}"
            process = self.start(3, "train", *self.LONG, "--run", run)
            self.wait_for_checkpoint(run, process)
            os.kill(self.ranks_of(process)[victim], signal.SIGKILL)
            try:
                errors = process.communicate(timeout=60)[1]
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise Failure(f"without rank {victim} the others hang") from None
            check(f"when rank {victim} dies, all end with a message", process.returncode != 0 and errors.strip(), errors)
            self.train(1, "resume", run, "--threads", 1)
            check("and the training resumes to the same bytes", self.checkpoints(run) == expected)

    def mistakes(self):
        def refused(title, words, *arguments, ranks=2):
            status, _, errors = self.run(ranks, *arguments)
            check(title, status != 0 and errors.count(words) == 1, f"{status}: {errors}")

        refused("more ranks than slices are refused", "--slices must be at least 2", "train", "text.txt", "--epochs",
                1, "--run", "refused")
        check("and leave no folder", not (self.folder / "refused").exists())
        refused("a text that is missing is refused once", "No such file or directory", "train", "nothing.txt", "--slices", 4,
                "--run", "refused")
        check("and leaves no folder", not (self.folder / "refused").exists())
        refused("a wrong option is refused once", "--slices must be from 2 to 256", "train", "text.txt", "--slices", 0)
        refused("a text from standard input is refused once", "cannot come from standard input", "train", "-", "--slices",
                4)
        refused("a folder with a training is refused once", "it holds a training already", "train", *self.LONG, "--run",
                "whole")
        for title, condition in [("a", "$OMPI_COMM_WORLD_RANK = 1"), ("each", "yes")]:
            script = f'[ {condition} ] && export CHARGEN_BACKEND=none; exec "$@"'
            own, self.trainer = self.trainer, "bash"
            refused(f"a backend that {title} rank lacks is refused once", "CHARGEN_BACKEND must be", "-c", script, "bash",
                    own, "train", "text.txt", "--slices", 4, "--run", "refused")
            self.trainer = own
            check("and leaves no folder", not (self.folder / "refused").exists())
        status, output, errors = self.run(2, "resume", "whole")
        check("a finished training ends at once", status == 0 and "its 12 epochs are done" in errors, errors)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trainer", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--hosts", type=int, default=0, help="network namespaces to run the ranks in, as root")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, hosts.network(options.hosts) as network:
        tests = Tests(options.trainer, pathlib.Path(folder), network)
        texts(tests.folder)
        try:
            tests.same_bytes()
            tests.interruptions()
            tests.mistakes()
        except Failure as failure:
            sys.exit(f"FAILED: {failure}")


if __name__ == "__main__":
    main()
