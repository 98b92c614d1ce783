"""The time of an update on several ranks, by the speed of the network between them.

    ranks.py TRAINER TEXT [--rates 100mbit,1gbit,10gbit] [--ranks 2,4] [--hidden 128,256,512]

As root: each rank has a network namespace and a virtual link with the rate in each direction. One
thread a rank. Prints a line for each size, number of ranks and rate: the median of the seconds an
update takes, by the reports of every few updates, and its ratio to that of one rank.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests" / "RankTests"))
import hosts  # noqa: E402

BATCH, TIME, UPDATES, EVERY = 64, 64, 24, 4


def seconds(trainer, text, hidden, ranks, network):
    """The median time of an update."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(trainer), "train", str(text), "--preset", "char-rnn", "--optimiser", "muon", "--hidden", hidden,
                   "--batch", str(BATCH), "--time", str(TIME), "--epochs", "1", "--slices", "16", "--validation", "0",
                   "--report-every", str(EVERY), "--threads", "1", "--sample-length", "0", "--run", folder + "/run"]
        if network:
            command = [*network.mpirun(ranks), *command]
        environment = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        subprocess.run(command, env=environment, check=True, capture_output=True)
        lines = pathlib.Path(folder, "run", "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    speeds = [json.loads(line)["charactersPerSecond"] for line in lines]
    # The first updates allocate memory.
    return BATCH * TIME / statistics.median(speeds[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trainer", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("text", type=pathlib.Path)
    parser.add_argument("--rates", default="100mbit,1gbit,10gbit")
    parser.add_argument("--ranks", default="2,4")
    parser.add_argument("--hidden", default="128,256,512")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = pathlib.Path(folder) / "text.txt"
        text.write_text(options.text.read_text(encoding="utf-8")[: BATCH * TIME * UPDATES + 1], encoding="utf-8")
        for hidden in options.hidden.split(","):
            alone = seconds(options.trainer, text, hidden, 1, None)
            print(f"{hidden} × 2, 1 rank: {alone * 1000:.1f} ms", flush=True)
            for ranks in map(int, options.ranks.split(",")):
                for rate in options.rates.split(","):
                    with hosts.network(ranks, rate) as network:
                        time = seconds(options.trainer, text, hidden, ranks, network)
                    print(f"{hidden} × 2, {ranks} ranks, {rate}: {time * 1000:.1f} ms, {alone / time:.2f} times as fast",
                          flush=True)


if __name__ == "__main__":
    main()
