"""The command `chargen`: the trainer that comes with this package, or one in the search path."""

from __future__ import annotations

import os
import pathlib
import shutil
import sys


def main() -> int:
    carried = pathlib.Path(__file__).resolve().parent / "trainer"
    trainer = str(carried) if carried.exists() else shutil.which("trainer")
    if trainer is None:
        print(
            "chargen: this installation has no trainer, which needs a glibc of 2.35 or later. Install the package "
            "on such a system, or put the command `trainer` into the search path.",
            file=sys.stderr)
        return 1
    try:
        os.execv(trainer, ["chargen", *sys.argv[1:]])
    except OSError as error:
        print(f"chargen: cannot run {trainer}: {error.strerror}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
