"""The speed of `trainer train`, beside OpenBLAS' sgemm and, with --peers, beside PyTorch.

    train.py --trainer build/trainer --sgemm build/benchmarks/sgemm
             [--peers] [--text TEXT] [--cases lstm-128x2 …]

Each contestant trains in a process of its own. They run alternately, so that a temporary slowdown
of the machine affects all of them. See Benchmarks/README.md.
"""

import argparse
import collections
import contextlib
import datetime
import json
import math
import os
import pathlib
import platform
import random
import signal
import statistics
import string
import subprocess
import sys
import tempfile
import time

SYMBOLS = 82
GATES = {"rnn": 1, "gru": 3, "lstm": 4}
# The settings with which the time to quality is measured beside those of char-rnn: what `trainer
# train` chooses for a megabyte and two epochs.
RECIPE = [
    "--cell", "gru", "--hidden", 128, "--batch", 50, "--time", 50, "--epochs", 2, "--schedule", "cosine",
    "--optimiser", "muon", "--learning-rate", 0.03, "--clip-norm", 1, "--validate-every", 50,
]  # fmt: skip
PEER = pathlib.Path(__file__).with_name("pytorch_trainer.py")
# The exit status of pytorch_trainer.py where PyTorch lacks the kernels.
UNSUPPORTED = 3

Case = collections.namedtuple("Case", "cell hidden layers batch time")
SIZES = [(64, 1, 128, 100), (128, 2, 50, 50), (256, 2, 64, 100), (512, 2, 64, 100), (512, 3, 128, 128)]
CASES = [Case(cell, *size) for cell in ("lstm", "gru", "rnn") for size in SIZES]


def title(case):
    return f"{case.cell}-{case.hidden}x{case.layers}"


def multiply_adds(case):
    """The useful multiply-adds per character of the forward pass: those of the recurrent, the
    inter-layer and the output matrices. The backward pass has twice as many. One-hot products do
    not count."""
    return case.hidden * (case.hidden * GATES[case.cell] * (2 * case.layers - 1) + SYMBOLS)


def useful(case, rate):
    """GFLOP/s at `rate` characters per second, two operations per multiply-add."""
    return 6e-9 * multiply_adds(case) * rate


# The contestants: commands that print one line of JSON per report.


def shape_options(case):
    return [word for name in Case._fields for word in (f"--{name}", getattr(case, name))]


def chargen(options, precision="f32", settings=()):
    def command(text, folder, arguments):
        run = tempfile.mkdtemp(dir=folder)
        os.rmdir(run)
        extra = ["--precision", precision] if precision != "f32" else []
        return [
            options.trainer, "train", text, "--preset", "char-rnn", "--run", run, "--sample-length", 0, *settings,
            *extra, *arguments,
        ]  # fmt: skip

    return command


def pytorch(precision="f32", settings=()):
    def command(text, folder, arguments):
        return [sys.executable, PEER, text, "--precision", precision, *settings, *arguments]

    return command


class Unsupported(Exception):
    """The processor does not support a contestant."""


@contextlib.contextmanager
def reports(command):
    """The reports of a command, which is killed on exit, and its peak memory, known after that."""
    usage = {}
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors)

        def wait():
            _, status, resources = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            usage["peak"] = resources.ru_maxrss / 1024

        def lines():
            for line in process.stdout:
                yield json.loads(line)
            wait()
            if process.returncode == UNSUPPORTED:
                raise Unsupported
            if process.returncode != 0:
                errors.seek(0)
                message = errors.read().decode("utf-8", "replace").strip().splitlines()
                sys.exit(f"{' '.join(words)} failed: {message[-1] if message else process.returncode}")

        try:
            yield lines(), usage
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
                wait()
            process.stdout.close()


# What is measured


def turn(command, case, options, folder, text):
    """The median rate of the reports of `options.seconds`, in characters per second, and the peak
    memory in MiB. Raises Unsupported."""
    # On a server with two cores about three reports per second, at most one per update.
    interval = max(1, round(1.5e10 / (multiply_adds(case) * case.batch * case.time)))
    arguments = [*shape_options(case), "--report-every", interval, "--threads", options.threads]
    rates = []
    with reports(command(text, folder, arguments)) as (lines, usage):
        # The first report includes the page faults of fresh memory.
        next(lines)
        began = time.perf_counter()
        for report in lines:
            if "validationLoss" not in report or report["validationLoss"] is None:
                rates.append(report["charactersPerSecond"])
            if time.perf_counter() - began > options.seconds and rates:
                break
    return statistics.median(rates), usage["peak"]


def sgemm(options):
    """GFLOP/s of OpenBLAS at 2048³ on all threads."""
    command = [options.sgemm, "2048", "2048", "2048", str(options.threads)]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def seconds_to(targets, command, seed, options, folder, text):
    """Seconds from the start of the process until the validation loss is below each target."""
    missing = sorted(targets, reverse=True)
    found = []
    began = time.perf_counter()
    with reports(command(text, folder, ["--threads", options.threads, "--seed", seed])) as (lines, _):
        for report in lines:
            while missing and (report.get("validationLoss") or math.inf) < missing[0]:
                missing.pop(0)
                found.append(time.perf_counter() - began)
            if not missing:
                break
    return found + [math.nan] * len(missing)


# Tables


def row(*cells):
    print("|", " | ".join(str(cell) for cell in cells), "|", flush=True)


def processor():
    for line in open("/proc/cpuinfo", encoding="utf-8"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def random_text(path):
    """Random text, so long that no run reaches its end."""
    characters = (string.ascii_letters + string.digits + string.punctuation)[:SYMBOLS]
    path.write_text("".join(random.Random(1).choices(characters, k=8_000_000)), encoding="utf-8")
    return path


def compare(cases, contestants, options, folder):
    text = random_text(pathlib.Path(folder) / "random.txt")
    first, *others = contestants
    row(
        "model", "batch × time", "chargen GFLOP/s", "sgemm GFLOP/s", "share",
        *[f"{name}, characters/s" for name in contestants], *[f"chargen f32 ÷ {name}" for name in others],
        *[f"{name}, MiB" for name in contestants],
    )  # fmt: skip
    row("---", *["---:"] * (3 * len(contestants) + 3))
    for case in cases:
        rates, peaks, shares = collections.defaultdict(list), collections.defaultdict(list), []
        for _ in range(options.rounds):
            for name, command in contestants.items():
                # The column of a contestant that this processor does not support stays empty.
                with contextlib.suppress(Unsupported):
                    rate, peak = turn(command, case, options, folder, text)
                    rates[name].append(rate)
                    peaks[name].append(peak)
            shares.append((useful(case, rates[first][-1]), sgemm(options)))
        rate = {name: statistics.median(values) for name, values in rates.items()}
        ratios = {
            name: statistics.median(a / b for a, b in zip(rates[first], rates[name])) for name in others if name in rate
        }
        row(
            title(case), f"{case.batch} × {case.time}", f"{statistics.median(own for own, _ in shares):.0f}",
            f"{statistics.median(blas for _, blas in shares):.0f}",
            f"{statistics.median(own / blas for own, blas in shares):.0%}",
            *[f"{rate[name]:,.0f}" if name in rate else "" for name in contestants],
            *[f"{ratios[name]:.2f}" if name in rate else "" for name in others],
            *[f"{max(peaks[name]):.0f}" if name in rate else "" for name in contestants],
        )


def compare_quality(contestants, options, folder):
    targets = [1.60, 1.50]
    first, *others = contestants
    print(f"\nSeconds from the start of the process until the validation loss is below, `{options.text.name}`:\n")
    row("nats", "seed", *contestants, *[f"{first} ÷ {name}" for name in others])
    row(*["---:"] * (2 * len(contestants) + 1))
    times = collections.defaultdict(list)
    for seed in range(1, options.seeds + 1):
        for name, command in contestants.items():
            times[name].append(seconds_to(targets, command, seed, options, folder, options.text))
        for index, target in enumerate(targets):
            last = {name: values[-1][index] for name, values in times.items()}
            row(f"{target:.2f}", seed, *[f"{seconds:.1f}" for seconds in last.values()],
                *[f"{last[first] / last[name]:.2f}" for name in others])
    for index, target in enumerate(targets):
        values = {name: [seconds[index] for seconds in all_seconds] for name, all_seconds in times.items()}
        ratios = [statistics.median(a / b for a, b in zip(values[first], values[name])) for name in others]
        row(f"{target:.2f}", "median", *[f"{statistics.median(seconds):.1f}" for seconds in values.values()],
            *[f"{ratio:.2f}" for ratio in ratios])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trainer", type=pathlib.Path, required=True)
    parser.add_argument("--sgemm", type=pathlib.Path, required=True, help="the program of Benchmarks/sgemm.c")
    parser.add_argument("--peers", action="store_true", help="measure PyTorch too, in f32 and bf16")
    parser.add_argument("--text", type=pathlib.Path, help="measure the time to quality on this text too")
    parser.add_argument("--seeds", type=int, default=3, help="the runs of each on that text (3)")
    parser.add_argument("--cases", nargs="*", help="such as lstm-128x2; all by default")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2, help="the length of one run of one contestant (2)")
    parser.add_argument("--rounds", type=int, default=3, help="the runs of each contestant (3)")
    options = parser.parse_args()

    contestants = {"chargen f32": chargen(options), "chargen bf16": chargen(options, "bf16")}
    peers = {"PyTorch f32": pytorch(), "PyTorch bf16": pytorch("bf16")} if options.peers else {}
    print(f"{datetime.date.today()}, {processor()}, {os.cpu_count()} cores, {options.threads} threads.\n")
    cases = [case for case in CASES if options.cases is None or title(case) in options.cases]
    with tempfile.TemporaryDirectory() as folder:
        if cases:
            compare(cases, contestants | peers, options, folder)
        if options.text:
            quality = {"chargen": chargen(options, settings=RECIPE), "chargen, char-rnn": chargen(options)}
            if options.peers:
                quality |= {"PyTorch, same": pytorch(settings=RECIPE), "PyTorch, char-rnn": pytorch()}
            compare_quality(quality, options, folder)


if __name__ == "__main__":
    main()
