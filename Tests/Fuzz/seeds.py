"""Writes the fuzzers' small seeds into Tests/Fuzz/Seeds: models, snapshots and imports.

    PYTHONPATH=examples/python:Tests/LibraryTests seeds.py

Seeds of the other kinds are written by hand; that of checkpoints is a training's of one update.
"""

from __future__ import annotations

import json
import math
import pathlib
import random
import struct

import cgw
import chargen
import malformed
from random_model import LABELS, random_model

FOLDER = pathlib.Path(__file__).resolve().parent / "Seeds"


def main() -> None:
    models = FOLDER / "model"
    models.mkdir(exist_ok=True)
    (models / "raw").write_bytes(malformed.valid().data())
    for cell in cgw.CELLS:
        for weights in ("f32", "bf16", "int8", "int4"):
            data = random_model(cell, hidden_size=3, layers=1, weights=weights, unknown=True)
            (models / f"{cell}-{weights}").write_bytes(data)
        (models / f"{cell}-labels").write_bytes(random_model(cell, hidden_size=3, layers=1, labels=LABELS))
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
        random_model("gru", hidden_size=8, layers=1, characters="abcdé中😀 -019\n", unknown=True, labels=LABELS))
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
    session.set_label({"a": 0.5, "é": 1})
    (snapshots / "labels").write_bytes(session.snapshot())

    imports = FOLDER / "import"
    imports.mkdir(exist_ok=True)
    one_hot = {"gru.weight_ih_l0": [6, 3], "gru.weight_hh_l0": [6, 2], "fc.weight": [3, 2], "fc.bias": [3]}
    (imports / "one-hot").write_bytes(network(b'["b","a","\\n"]', "F32", one_hot))
    embedding = {"a.weight_ih_l0": [2, 1], "a.weight_hh_l0": [2, 2], "emb.weight": [3, 1], "fc.weight": [3, 2]}
    biases = {"a.bias_ih_l0": [2], "a.bias_hh_l0": [2]}
    (imports / "embedding").write_bytes(network(b'{"b":1,"a":0,"c":2}', "BF16", embedding | biases))
    special = b'{"vocabulary":["a"],"unknown":1,"endOfDocument":2,"keepsState":true}'
    (imports / "description").write_bytes(network(special, "F16", one_hot))


def network(vocabulary: bytes, kind: str, shapes: dict[str, list[int]]) -> bytes:
    """The length of a vocabulary, it, and tensors of zeros in safetensors."""
    header, end = {}, 0
    for name, sizes in shapes.items():
        begin, end = end, end + math.prod(sizes) * (4 if kind == "F32" else 2)
        header[name] = {"dtype": kind, "shape": sizes, "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    return bytes([len(vocabulary)]) + vocabulary + struct.pack("<Q", len(text)) + text + bytes(end)


if __name__ == "__main__":
    main()
