"""Writes the fuzzers' small seeds into Tests/Fuzz/Seeds: models and snapshots.

    PYTHONPATH=examples/python:Tests/LibraryTests seeds.py

Seeds of the other kinds are written by hand; that of checkpoints is a training's of one update.
"""

from __future__ import annotations

import pathlib
import random

import cgw
import chargen
import malformed
from random_model import random_model

FOLDER = pathlib.Path(__file__).resolve().parent / "Seeds"


def main() -> None:
    models = FOLDER / "model"
    models.mkdir(exist_ok=True)
    (models / "raw").write_bytes(malformed.valid().data())
    for cell in cgw.CELLS:
        for weights in ("f32", "bf16", "int8", "int4"):
            data = random_model(cell, hidden_size=3, layers=1, weights=weights, unknown=True)
            (models / f"{cell}-{weights}").write_bytes(data)
    # Frames of all kinds of blocks: numbers that repeat.
    generator = random.Random(1)
    for level in (1, 19):
        file = malformed.valid()
        file.shape = cgw.Shape(0, 1, 16, 2, 0)
        for entry, (_, rows, columns) in zip(file.entries, file.shape.tensors()):
            words = [0x3D000000 | generator.choice([1, 2, 3, 5, 8, 9]) for _ in range(rows * columns)]
            entry.frame = cgw.compressed(cgw.planes(words, 4), level)
        (models / f"compressed-{level}").write_bytes(file.data())

    # The fuzzer's model has 13 characters, an unknown symbol and an end of documents, 8 units.
    snapshots = FOLDER / "snapshot"
    snapshots.mkdir(exist_ok=True)
    model = chargen.Model.from_bytes(
        random_model("gru", hidden_size=8, layers=1, characters="abcdé中😀 -019\n", unknown=True))
    session = chargen.Session(model)
    (snapshots / "new").write_bytes(session.snapshot())
    session.feed("ab")
    session.generate(5)
    (snapshots / "text").write_bytes(session.snapshot())
    session.pattern = chargen.Pattern(model, "[ab]{2,5}(c|d)*-1?")
    session.generate(2)
    (snapshots / "pattern").write_bytes(session.snapshot())
    session.stop_strings = ["ab", "c1"]
    session.generate(3)
    (snapshots / "stop-strings").write_bytes(session.snapshot())


if __name__ == "__main__":
    main()
