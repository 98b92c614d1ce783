"""Writes the same models as Tests/TestSupport/RandomModel.swift, without the trainer and zstd.

Usage: random_model.py CELL FILE [WEIGHTS [HIDDEN [SCALE [unknown|labels]]]]

The state of these models is carried from one document into the next. With `unknown` they know ASCII
characters only, and have an unknown symbol. With `labels` documents begin from states of labels.
"""

from __future__ import annotations

import array
import itertools
import struct
import sys
import zlib
from typing import Iterator

GATES = {"rnn": 1, "gru": 3, "lstm": 4}
WEIGHTS = ("f32", "bf16", "int8", "int4")
CHARACTERS = "abcdefghijklmnopqrstuvwxyz .,é中😀"
LABELS = [("class", ["a", "b", "é"]), ("kind", ["b", "long"])]


def random_words(seed: int) -> Iterator[int]:
    """SplitMix64."""
    mask = 2**64 - 1
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        z = seed
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        yield z ^ (z >> 31)


def frame(data: bytes) -> bytes:
    """A zstd frame of raw blocks (RFC 8878)."""
    largest = 1 << 17
    blocks = [data[start : start + largest] for start in range(0, len(data), largest)]
    # A single segment whose size takes eight bytes.
    result = struct.pack("<IBQ", 0xFD2FB528, 0xE0, len(data))
    for index, block in enumerate(blocks):
        is_last = index == len(blocks) - 1
        result += struct.pack("<I", len(block) << 3 | is_last)[:3] + block
    return result


def single(value: float) -> float:
    """The 32-bit float nearest to a number."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def planes(values: bytes, size: int) -> bytes:
    """Numbers of `size` bytes as byte planes."""
    return b"".join(values[plane::size] for plane in range(size))


def halves(values: bytes) -> bytes:
    """The upper 16 bits of 32-bit floats."""
    return b"".join(values[start + 2 : start + 4] for start in range(0, len(values), 4))


def payload(weights: str, rows: int, columns: int, scale: float, words: Iterator[int]) -> bytes:
    """The payload of random values: see docs/cgw-format.md. Scales differ by up to a quarter."""

    def uniforms(count: int) -> Iterator[float]:
        return (single(((word >> 40) * 2.0**-23 - 1) * scale) for word in itertools.islice(words, count))

    def scales(count: int, largest: int) -> bytes:
        # Each operation is rounded, as it is in Swift.
        unit = single(scale / largest)
        parts = (single(0.25 * abs(single(value / scale))) for value in uniforms(count))
        return array.array("f", (single(unit * single(0.75 + part)) for part in parts)).tobytes()

    def integers(count: int, lowest: int, choices: int) -> list[int]:
        return [lowest + (word >> 32) % choices for word in itertools.islice(words, count)]

    count = rows * columns
    if weights == "f32":
        return planes(array.array("f", uniforms(count)).tobytes(), 4)
    if weights == "bf16":
        return planes(halves(array.array("f", uniforms(count)).tobytes()), 2)
    if weights == "int8":
        values = array.array("b", integers(count, -127, 255)).tobytes()
        return planes(scales(rows, 127), 4) + values
    groups = -(-columns // 32)
    nibbles = integers(count, 0, 16)
    packed = bytearray()
    for row in range(rows):
        # Columns beyond the last are 0, which is stored as 8.
        line = nibbles[row * columns : (row + 1) * columns] + [8] * (32 * groups - columns)
        for start in range(0, len(line), 32):
            packed += bytes(line[start + j] | line[start + j + 16] << 4 for j in range(16))
    return planes(halves(scales(rows * groups, 8)), 2) + packed


def label_names(columns: list[tuple[str, list[str]]]) -> bytes:
    """The names of labels as a header has them."""
    if not columns:
        return b""
    text = b"".join(name.encode("utf-8") + b"\0" for column, labels in columns for name in [column, *labels])
    counts = [len(labels) for _, labels in columns]
    return struct.pack(f"<{len(counts) + 2}I", len(counts), *counts, len(text)) + text


def random_model(
    cell: str, layers: int = 2, hidden_size: int = 40, characters: str = CHARACTERS, ends: bool = True,
    scale: float = 0.8, seed: int = 77, provenance: str = '{"chargen":"test"}', weights: str = "f32",
    carries: bool = False, unknown: bool = False, labels: list[tuple[str, list[str]]] | None = None,
) -> bytes:
    """The bytes of a .cgw file with random weights in ±scale, uniform floats or integers.

    carries: whether the state is carried from one document into the next.
    unknown: whether there is an unknown symbol.
    labels: columns, each with its labels in ascending order.
    """
    scalars = sorted(set(map(ord, characters)))
    symbols = len(scalars) + unknown + ends
    gates = GATES[cell] * hidden_size
    # In an int4 model the first and the last matrix are int8; biases are always floats.
    table = "int8" if weights == "int4" else weights
    tensors = []
    for layer in range(layers):
        tensors += [
            (weights, gates, hidden_size) if layer else (table, gates, symbols), (weights, gates, hidden_size),
            ("f32", gates, 1), ("f32", gates, 1),
        ]
    tensors += [(table, symbols, hidden_size), ("f32", symbols, 1)]

    if labels:
        rows = 1 + sum(len(names) for _, names in labels)
        tensors += [("f32", rows, layers * hidden_size)] * (2 if cell == "lstm" else 1)

    words = random_words(seed)
    frames = [frame(payload(*tensor, single(scale), words)) for tensor in tensors]

    text = provenance.encode("utf-8")
    directory = b"".join(
        struct.pack("<IIQ", WEIGHTS.index(tensor[0]), zlib.crc32(data), len(data))
        for tensor, data in zip(tensors, frames))
    body = struct.pack(f"<{len(scalars)}I", *scalars) + label_names(labels or []) + text + directory
    header_length = 48 + len(body) + 4
    header = b"\x89CGW\r\n\x1a\n" + struct.pack(
        "<IIQIIIIII", 1, header_length, header_length + sum(map(len, frames)), list(GATES).index(cell), layers,
        hidden_size, len(scalars), ends + (ends and carries) + 4 * unknown + 8 * bool(labels),
        len(text))
    header += body
    return header + struct.pack("<I", zlib.crc32(header)) + b"".join(frames)


def main(
    cell: str, path: str, weights: str = "f32", hidden_size: str = "40", scale: str = "0.8", special: str = "",
) -> None:
    unknown, labels = special == "unknown", special == "labels"
    characters = CHARACTERS if not unknown else "".join(filter(str.isascii, CHARACTERS))
    with open(path, "wb") as file:
        file.write(
            random_model(
                cell, hidden_size=int(hidden_size), characters=characters, scale=float(scale), weights=weights,
                carries=not labels, unknown=unknown, labels=LABELS if labels else None))


if __name__ == "__main__":
    main(*sys.argv[1:])
