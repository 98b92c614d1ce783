"""Kills trainings at random instants, resumes them, and compares them with uninterrupted ones.

    kill.py TRAINER [--seed N] [--kills N]

Each kind of minibatch, each cell and each option that the result depends on is trained once
without interruption. Then it is killed with SIGKILL at random instants, at least --kills times
each, and resumed each time until it finishes: its last checkpoint must be the same, byte for byte.
"""

import argparse
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

CASES = {
    "streams, lstm": ["--cell", "lstm", "--preset", "char-rnn"],
    "streams, gru": ["--cell", "gru"],
    "streams, rnn": ["--cell", "rnn"],
    "windows": ["--batching", "windows", "--stride", "9", "--burn-in", "5"],
    "documents in streams": ["--documents", "line"],
    "documents in windows": ["--documents", "line", "--batching", "windows", "--stride", "9"],
    "documents carried on": ["--documents", "line", "--carry-documents"],
    "windows of one document": ["--documents", "paragraph", "--preset", "notebook", "--time", "30"],
    "adam": ["--optimiser", "adam"],
    "dropout": ["--dropout", "0.2"],
    "variational dropout": ["--dropout", "0.2", "--variational-dropout"],
    "weight dropout and decay": ["--weight-dropout", "0.2", "--weight-decay", "0.1"],
    "averages": ["--average", "0.95"],
    "linear": ["--schedule", "linear", "--warmup", "20", "--validate-every", "17"],
    "plateau": ["--schedule", "plateau", "--decay", "0.5", "--decay-after", "1", "--patience", "50"],
    "end held out": ["--held-out", "end", "--keep", "3", "--clip-norm", "0.5"],
    "validation texts": ["--validation-text", "other.txt", "--validation-text", "third.txt", "--patience", "50"],
    "rare characters": ["--min-count", "2000"],
    "slices": ["--slices", "5"],
    "sampled softmax": ["--sampled-softmax", "8", "--batch", "4", "--time", "20"],
    "exponential": ["--schedule", "exponential", "--decay", "0.5", "--decay-after", "1"],
}
COMMON = ["--layers", "2", "--hidden", "24", "--epochs", "4", "--checkpoint-every", "25", "--sample-length", "20"]
NOTEBOOK = ["--hidden", "24", "--epochs", "2", "--checkpoint-every", "5"]


def text(generator):
    """Words of ten letters and sixty rare characters, in lines, and lines in paragraphs."""
    characters = "abcdefghij" * 50 + "".join(map(chr, range(0x4E00, 0x4E00 + 60)))
    words = ["".join(generator.choices(characters, k=generator.randint(1, 8))) for _ in range(200)]
    lines = [" ".join(generator.choices(words, k=generator.randint(2, 12))) for _ in range(900)]
    return "".join(line + ("\n\n" if index % 9 == 8 else "\n") for index, line in enumerate(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trainer", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--kills", type=int, default=1)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    generator = random.Random(seed)
    kills, failures = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name in ["text.txt", "other.txt", "third.txt"]:
            (folder / name).write_text(text(generator), encoding="utf-8")

        def start(*arguments):
            command = [options.trainer, *arguments]
            return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

        def finish(process):
            errors = process.stderr.read().decode("utf-8", "replace")
            if process.wait() != 0:
                sys.exit(f"{process.args[1:]} ended with {process.returncode}: {errors}")

        for number, (name, arguments) in enumerate(CASES.items()):
            settings = [*(NOTEBOOK if "notebook" in arguments else COMMON), *arguments]
            whole, killed = folder / f"whole-{number}", folder / f"killed-{number}"
            began = time.monotonic()
            finish(start("train", "text.txt", *settings, "--run", whole))
            duration = time.monotonic() - began
            own, same = 0, True
            while own < options.kills and same:
                shutil.rmtree(killed, ignore_errors=True)
                process = start("train", "text.txt", *settings, "--run", killed)
                # At most six of one training, which each of them may take back to its beginning.
                for _ in range(6):
                    time.sleep(generator.uniform(0.02, 0.6 * duration))
                    if process.poll() is not None:
                        break
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    process.stderr.close()
                    own += 1
                    if (killed / "last.safetensors").exists():
                        process = start("resume", killed)
                    else:
                        process = start("train", "text.txt", *settings, "--run", killed)
                finish(process)
                same = (whole / "last.safetensors").read_bytes() == (killed / "last.safetensors").read_bytes()
            print(f"{name}: {own} kills, {'the same' if same else 'ANOTHER CHECKPOINT'}", flush=True)
            kills += own
            failures += not same
    print(f"{kills} kills, {failures} failures")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
