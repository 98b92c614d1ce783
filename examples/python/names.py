"""Asks a model of names for new ones.

With --list, the file of names that the model was trained on, one a line, it also says how many of the names are new.
"""

from __future__ import annotations

import argparse
import pathlib
import sys

from chargen import Error, Model, Session


def main() -> int:
    parser = argparse.ArgumentParser(description="Ask a model of names for new ones.")
    parser.add_argument("model", help="the model, a .cgw file")
    parser.add_argument("--count", type=int, default=10, help="how many names (10)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same names (1)")
    parser.add_argument("--temperature", type=float, default=0.8, help="below 1 typical, above 1 unusual (0.8)")
    parser.add_argument("--list", type=pathlib.Path, help="the names that the model was trained on, one a line")
    arguments = parser.parse_args()

    with Model(arguments.model) as model:
        if not model.has_end_of_document:
            print("The model has not learned where names end; train it with one document a line.", file=sys.stderr)
            return 1
        with Session(model, seed=arguments.seed, temperature=arguments.temperature) as session:
            # A name is a document of its own: generating stops where it ends, and goes on with the next one.
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
