"""Generates names from a model of names.

With --list, the file of names that the model was trained on, one per line, it also prints how many
are new.
"""

from __future__ import annotations

import argparse
import pathlib
import sys

from chargen import Error, Model, Session


def main() -> int:
    parser = argparse.ArgumentParser(description="Generate names from a model of names.")
    parser.add_argument("model", help="the model, a .cgw file")
    parser.add_argument("--count", type=int, default=10, help="how many names (10)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same names (1)")
    parser.add_argument("--temperature", type=float, default=0.8, help="below 1 less variety, above 1 more (0.8)")
    parser.add_argument("--list", type=pathlib.Path, help="the names that the model was trained on, one per line")
    arguments = parser.parse_args()

    with Model(arguments.model) as model:
        if not model.has_end_of_document:
            print("The model has not learned where names end; train it with one document a line.", file=sys.stderr)
            return 1
        with Session(model, seed=arguments.seed, temperature=arguments.temperature) as session:
            # Each name is a document: generate() stops at its end; the next call begins another.
            names = [session.generate() for _ in range(arguments.count)]

    for name in names:
        print(name)
    if arguments.list:
        known = set(arguments.list.read_text(encoding="utf-8").splitlines())
        new = sum(name not in known for name in names)
        print(f"{new} of {len(names)} names are new: they are not in {arguments.list}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Error, OSError, ValueError) as error:
        sys.exit(f"names.py: {error}")
