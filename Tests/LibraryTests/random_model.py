"""Writes the same models as Tests/TestSupport/RandomModel.swift, without the trainer and without zstd's library.

Usage: random_model.py CELL FILE
"""

from __future__ import annotations

import array
import struct
import sys
import zlib

GATES = {"rnn": 1, "gru": 3, "lstm": 4}
CHARACTERS = "abcdefghijklmnopqrstuvwxyz .,é中😀"


def random_words(seed: int):
    """SplitMix64."""
    mask = 2**64 - 1
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        z = seed
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        yield z ^ (z >> 31)


def frame(data: bytes) -> bytes:
    """A zstd frame of raw blocks, as RFC 8878 has them."""
    largest = 1 << 17
    blocks = [data[start : start + largest] for start in range(0, len(data), largest)]
    # A single segment whose size takes eight bytes.
    result = struct.pack("<IBQ", 0xFD2FB528, 0xE0, len(data))
    for index, block in enumerate(blocks):
        is_last = index == len(blocks) - 1
        result += struct.pack("<I", len(block) << 3 | is_last)[:3] + block
    return result


def random_model(
    cell: str, layers: int = 2, hidden_size: int = 40, characters: str = CHARACTERS, ends: bool = True,
    scale: float = 0.8, seed: int = 77, provenance: str = '{"chargen":"test"}',
) -> bytes:
    """The bytes of a .cgw file whose weights are uniform in ±scale."""
    scalars = sorted(set(map(ord, characters)))
    symbols = len(scalars) + ends
    gates = GATES[cell] * hidden_size
    sizes = []
    for layer in range(layers):
        inputs = hidden_size if layer else symbols
        sizes += [gates * inputs, gates * hidden_size, gates, gates]
    sizes += [symbols * hidden_size, symbols]

    words = random_words(seed)
    scale = struct.unpack("<f", struct.pack("<f", scale))[0]
    frames = []
    for size in sizes:
        values = array.array("f", (((next(words) >> 40) * 2.0**-23 - 1) * scale for _ in range(size))).tobytes()
        frames.append(frame(b"".join(values[plane::4] for plane in range(4))))

    text = provenance.encode("utf-8")
    directory = b"".join(struct.pack("<IIQ", 0, zlib.crc32(data), len(data)) for data in frames)
    body = struct.pack(f"<{len(scalars)}I", *scalars) + text + directory
    header_length = 48 + len(body) + 4
    header = b"\x89CGW\r\n\x1a\n" + struct.pack(
        "<IIQIIIIII", 1, header_length, header_length + sum(map(len, frames)), list(GATES).index(cell), layers,
        hidden_size, len(scalars), ends, len(text))
    header += body
    return header + struct.pack("<I", zlib.crc32(header)) + b"".join(frames)


if __name__ == "__main__":
    with open(sys.argv[2], "wb") as file:
        file.write(random_model(sys.argv[1]))
