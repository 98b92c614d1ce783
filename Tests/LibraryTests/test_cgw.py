"""Tests that the library and the reader in cgw.py, which is written from the document alone, agree.

    test_cgw.py [files]

It runs 200 random files, or as many as are asked for, in which case every flipped bit and every
truncation of three models is tried too. PYTHONPATH must include examples/python.
"""

from __future__ import annotations

import copy
import pathlib
import random
import struct
import subprocess
import sys
import unittest

import cgw
import chargen
import malformed
from cgw import BFLOAT16, FLOAT32, INT4, INT8, Entry, File, Shape
from random_model import LABELS, random_model

COUNT = 200
IS_SLOW = False
# The status of a file that is not refused.
ACCEPTED = None


def read_by_document(data: bytes) -> chargen.Status | None:
    try:
        cgw.read(data)
    except cgw.UnknownVersion:
        return chargen.Status.UNSUPPORTED_VERSION
    except cgw.Refused:
        return chargen.Status.INVALID_MODEL
    return ACCEPTED


def read_by_library(data: bytes) -> chargen.Status | None:
    try:
        chargen.Model.from_bytes(data)
    except chargen.Error as error:
        return error.status
    return ACCEPTED


# MARK: - Random files


def random_words(generator: random.Random, count: int, exponents: range, width: int, signs: bool) -> bytes:
    """Byte planes of the upper bytes of floats with one of these biased exponents."""
    words = []
    for _ in range(count):
        bits = generator.getrandbits(23) | generator.choice(exponents) << 23
        bits |= generator.getrandbits(1) << 31 if signs else 0
        words.append(bits >> (32 - 8 * width))
    return cgw.planes(words, width)


def random_payload(generator: random.Random, element_type: int, rows: int, columns: int) -> bytes:
    # All exponents that are allowed, or those of usual weights, which compress.
    exponents = generator.choice([range(0, 248), range(120, 127)])
    if element_type in (FLOAT32, BFLOAT16):
        return random_words(generator, rows * columns, exponents, 4 if element_type == FLOAT32 else 2, True)
    if element_type == INT8:
        scales = random_words(generator, rows, exponents, 4, False)
        return scales + bytes(generator.choice([0, 1, 2, 127, 129, 255]) for _ in range(rows * columns))
    groups = cgw.group_count(columns)
    halves = bytearray()
    for _ in range(rows):
        numbers = [generator.randrange(16) if column < columns else 8 for column in range(32 * groups)]
        for first in range(0, 32 * groups, 32):
            halves += bytes(numbers[first + j] | numbers[first + j + 16] << 4 for j in range(16))
    return random_words(generator, rows * groups, exponents, 2, True) + halves


def random_frame(generator: random.Random, content: bytes) -> bytes:
    """A frame of zstd's, or one of raw and run blocks, in any form that the document allows."""
    if generator.random() < 0.5:
        return cgw.compressed(content, generator.choice([-5, 1, 3, 19]))
    blocks, place = [], 0
    while place < len(content):
        length = generator.randint(1, min(len(content) - place, 1024))
        piece = content[place : place + length]
        if piece == piece[:1] * length and generator.random() < 0.5:
            blocks.append(malformed.block(malformed.RUN, piece[:1], length, last=False))
        else:
            blocks.append(malformed.block(malformed.RAW, piece, last=False))
        place += length
    if len(content) > 30:
        blocks += generator.randrange(3) * [malformed.block(malformed.RAW, b"", last=False)]
        generator.shuffle(blocks[-3:])
    blocks.append(malformed.block(malformed.RAW, b""))
    dictionary = generator.randrange(4)
    descriptor, fields = dictionary, bytes([generator.choice([0x20, 0x38, 0x8F])]) + bytes((0, 1, 2, 4)[dictionary])
    size = generator.choice([None, 2, 4, 8])
    if size == 2 and 256 <= len(content) < 65536 + 256:
        descriptor |= 0x40
        fields += struct.pack("<H", len(content) - 256)
    elif size in (4, 8):
        descriptor |= 0x80 if size == 4 else 0xC0
        fields += len(content).to_bytes(size, "little")
    return malformed.frame(content, b"".join(blocks), descriptor | generator.choice([0, 0x10]), fields)


def random_file(generator: random.Random) -> File:
    """A valid file."""
    special = generator.choice([0, 1, 2, 4, 5, 6, 8, 9, 12, 13])
    count = generator.choice([1, 2, 5, 40])
    scalars = sorted(generator.sample([*range(0xD800), *range(0xE000, 0x110000)], count))
    shape = Shape(
        generator.randrange(3), generator.choice([1, 1, 2, 3]), generator.choice([1, 2, 7, 16, 33, 40]), count, special)
    labels = random_labels(generator) if special >= 8 else []
    shape.labels = sum(len(names) for _, names in labels)
    types = range(4)
    first, recurrent, last = (generator.choice(types) for _ in range(3))
    entries = []
    for index, (name, rows, columns) in enumerate(shape.tensors()):
        is_float = "bias" in name or name.startswith("labels")
        element_type = FLOAT32 if is_float else first if index == 0 else last if name == "fc.weight" else recurrent
        payload = random_payload(generator, element_type, rows, columns)
        entries.append(Entry(element_type, random_frame(generator, payload)))
    provenance = generator.choice([b"", b"{}", '{"é中😀":1}'.encode(), b"not JSON"])
    return File(shape, scalars, provenance, entries, cgw.label_names(labels) if labels else b"")


def random_labels(generator: random.Random) -> list[tuple[bytes, list[bytes]]]:
    names = ["a", "b", "ab", "é", "中", "😀", " ", "x" * 300]
    columns = generator.sample(names, generator.choice([1, 1, 2, 3]))
    return [
        (column.encode(), sorted(name.encode() for name in generator.sample(names, generator.randint(1, len(names)))))
        for column in columns]


def interesting(generator: random.Random) -> int:
    return generator.choice([0, 1, 2, 3, 4, 5, 7, 8, 64, 65, 16384, 65535, 65536, 1 << 31, 2**32 - 1])


def alter(generator: random.Random, file: File) -> None:
    """Changes something, whose checksum is mended. The file may remain valid."""
    way = generator.randrange(22)
    entry = generator.choice(file.entries)
    if way == 0:
        name = generator.choice(["cell", "layers", "hidden_size", "characters", "special"])
        setattr(file.shape, name, interesting(generator))
    elif way == 1:
        setattr(file, generator.choice(["header_length", "file_length", "provenance_length"]), interesting(generator))
    elif way == 2:
        file.version = interesting(generator)
    elif way == 3:
        scalar = generator.choice([interesting(generator), generator.randrange(0xD700, 0xE100), 0x10FFFF, 0x110000])
        file.scalars[generator.randrange(len(file.scalars))] = scalar
    elif way == 4:
        file.provenance = bytes(generator.choice([0x22, 0x7F, 0x80, 0xC3, 0xA9, 0xED, 0xF4, 0xFF]) for _ in range(3))
    elif way == 5:
        entry.element_type = generator.choice([0, 1, 2, 3, 4, 2**32 - 1])
    elif way == 6:
        entry.checksum = generator.getrandbits(32)
    elif way == 7:
        entry.length = generator.choice([interesting(generator), len(entry.frame) + generator.choice([-1, 1])])
    elif way == 8:
        file.entries.insert(generator.randrange(len(file.entries)), copy.copy(entry))
    elif way in (10, 11) and file.labels:
        names = bytearray(file.labels)
        place = generator.choice([0, 4, generator.randrange(len(names))])
        names[place] = generator.choice([0, 1, 2, 3, 0x61, 0xC3, 0xFF])
        file.labels = bytes(names)
    elif way == 9:
        name = generator.choice(["after_directory", "after_tensors", "signature"])
        setattr(file, name, bytes(generator.getrandbits(8) for _ in range(generator.randrange(9))))
    else:
        frame = bytearray(entry.frame)
        for _ in range(generator.choice([1, 1, 2, 8])):
            # Mostly the frame's header, or the exponents at its end.
            place = generator.choice([generator.randrange(len(frame)), generator.randrange(min(14, len(frame)))])
            change = generator.randrange(4)
            if change == 0:
                frame[place] ^= 1 << generator.randrange(8)
            elif change == 1:
                frame[place] = generator.choice([0, 0x7F, 0x80, 0xFF, generator.getrandbits(8)])
            elif change == 2 and len(frame) > 1:
                del frame[place]
            else:
                frame.insert(place, generator.getrandbits(8))
        entry.frame = bytes(frame)


# MARK: - Tests


class AgreementTests(unittest.TestCase):
    def test_random_files(self) -> None:
        statuses: dict[chargen.Status | None, int] = {}
        for seed in range(COUNT):
            generator = random.Random(seed)
            file = random_file(generator)
            is_altered = seed % 3 > 0
            for _ in range(generator.choice([1, 1, 2]) if is_altered else 0):
                alter(generator, file)
            try:
                data = file.data()
            except (struct.error, OverflowError):
                continue
            expected = read_by_document(data)
            with self.subTest(seed=seed):
                if not is_altered:
                    self.assertEqual(expected, ACCEPTED)
                status = read_by_library(data)
                # A file with two faults is refused for either.
                self.assertEqual(status == ACCEPTED, expected == ACCEPTED)
                self.assertIn(status, (ACCEPTED, chargen.Status.INVALID_MODEL, chargen.Status.UNSUPPORTED_VERSION))
            statuses[expected] = statuses.get(expected, 0) + 1
        if IS_SLOW:
            print({status.name if status else "ACCEPTED": count for status, count in statuses.items()})
        for status in (ACCEPTED, chargen.Status.INVALID_MODEL, chargen.Status.UNSUPPORTED_VERSION):
            self.assertGreater(statuses[status], 0)

    def test_models_are_read_alike(self) -> None:
        for cell in cgw.CELLS:
            for weights in ("f32", "bf16", "int8", "int4"):
                file, tensors = cgw.read(random_model(cell, weights=weights, unknown=True, labels=LABELS))
                # What is read can be written again.
                self.assertEqual(read_by_library(file.data()), ACCEPTED)
                self.assertEqual([len(tensor) for tensor in tensors], [r * c for _, r, c in file.shape.tensors()])

    def test_malformed(self) -> None:
        for name, data in malformed.malformed():
            with self.subTest(name):
                self.assertEqual((malformed.FOLDER / f"{name}.cgw").read_bytes(), data, "run malformed.py")
                version = name in malformed.VERSIONS
                status = chargen.Status.UNSUPPORTED_VERSION if version else chargen.Status.INVALID_MODEL
                self.assertEqual(read_by_document(data), status)
                self.assertEqual(read_by_library(data), status)
        names = {path.stem for path in malformed.FOLDER.glob("*.cgw")}
        self.assertEqual(names, {name for name, _ in malformed.malformed()})

    def test_what_the_malformed_are_made_of_is_valid(self) -> None:
        changes = {
            "nothing": lambda file: None,
            "labels": malformed.labelled(cgw.label_names([(b"a", [b"x"])])),
            "labels and ends": malformed.labelled(cgw.label_names([(b"a", [b"x"])]), special=9),
            "bfloat16": malformed.with_type(BFLOAT16, cgw.planes([0, 0, 0, 0xFF7F], 2)),
            "int8": malformed.with_type(INT8, malformed.int8(scale=0x7BFFFFFF)),
            "int4": malformed.with_type(INT4, malformed.int4(scale=0xFBFF)),
            "match": malformed.with_frame(lambda content: malformed.one_match(content[:5], b"\0", b"\1")),
            "literals": malformed.with_frame(lambda content: malformed.coded(8, b"\2\1")),
            "four streams": malformed.with_frame(
                lambda content: malformed.coded(8, b"\1\0\1\0\1\0" + b"\4\4\4\6", form=1)),
            "empty blocks": malformed.with_frame(lambda content: malformed.frame(
                content, 341 * malformed.block(malformed.RAW, b"", last=False)
                + malformed.block(malformed.RAW, content))),
        }
        for name, change in changes.items():
            with self.subTest(name):
                file = malformed.valid()
                change(file)
                self.assertEqual(read_by_document(file.data()), ACCEPTED)
                self.assertEqual(read_by_library(file.data()), ACCEPTED)

    def test_damage(self) -> None:
        """Every flipped bit and every truncation, of one small file or of three models."""
        models = [malformed.valid().data()]
        if IS_SLOW:
            models += [
                random_model("rnn", hidden_size=16), random_model("gru", hidden_size=16, weights="int8"),
                random_model("lstm", hidden_size=16, weights="int4")]
        for original in models:
            for length in range(len(original)):
                self.assertNotEqual(read_by_library(original[:length]), ACCEPTED)
                self.assertNotEqual(read_by_document(original[:length]), ACCEPTED)
            data = bytearray(original)
            for bit in range(8 * len(original)):
                data[bit // 8] ^= 1 << bit % 8
                self.assertNotEqual(read_by_library(bytes(data)), ACCEPTED, bit)
                self.assertNotEqual(read_by_document(bytes(data)), ACCEPTED, bit)
                data[bit // 8] ^= 1 << bit % 8
            self.assertEqual(read_by_library(bytes(data)), ACCEPTED)


class LimitTests(unittest.TestCase):
    """What a file may ask for is in proportion to its length."""

    PROGRAM = """
import sys, chargen
def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) << 10
data = sys.stdin.buffer.read()
before = peak()
try:
    model = chargen.Model.from_bytes(data)
except chargen.Error as error:
    assert error.status == chargen.Status.INVALID_MODEL
print(peak() - before)
"""

    def bomb(self, cell: int, hidden_size: int, characters: int, types: tuple[int, int, int]) -> tuple[File, int]:
        """A file of zeros, and the sum that the document limits."""
        scalars = [*range(0x20, 0xD800), *range(0xE000, 0x110000)][:characters]
        shape = Shape(cell, 1, hidden_size, characters, 0)
        entries, total = [], 0
        for index, (name, rows, columns) in enumerate(shape.tensors()):
            element_type = FLOAT32 if "bias" in name else types[1] if index == 1 else types[0] if index == 0 else types[2]
            payload = bytes(cgw.payload_length(element_type, rows, columns))
            if element_type == INT4:
                # Zeros, and 8 beyond the last column.
                groups = rows * cgw.group_count(columns)
                payload = bytes(2 * groups) + b"\x88" * (16 * groups)
            total += len(payload) if index else 4 * rows * columns
            entries.append(Entry(element_type, cgw.compressed(payload)))
        return File(shape, scalars, b"", entries), total

    def memory(self, data: bytes) -> int:
        """The bytes that loading takes at most."""
        result = subprocess.run([sys.executable, "-c", self.PROGRAM], input=data, capture_output=True, check=True)
        return int(result.stdout)

    def test_memory(self) -> None:
        for cell, hidden_size, characters, types in [
            (1, 512, 8000, (INT4, INT4, INT4)), (2, 2000, 200, (INT8, INT4, INT8)), (0, 1000, 3000, (FLOAT32,) * 3),
        ]:
            file, total = self.bomb(cell, hidden_size, characters, types)
            # The longest file of which the sum is out of proportion, and the next.
            file.provenance = b"x" * (total // 64 - len(file.data()))
            self.assertEqual(read_by_document(file.data()), chargen.Status.INVALID_MODEL)
            self.assertLess(self.memory(file.data()), 4 << 20)
            file.provenance += b"x"
            data = file.data()
            cgw.read_header(data, len(data))
            self.assertEqual(read_by_library(data), ACCEPTED)
            memory = self.memory(data)
            self.assertGreater(memory, total)
            self.assertLess(memory, 4 * total + (4 << 20))

    def test_a_megabyte_of_zeros_gets_no_gigabyte(self) -> None:
        file, total = self.bomb(1, 2048, 65_535, (INT4, INT4, INT4))
        self.assertGreater(total, 1000 * len(file.data()))
        self.assertEqual(read_by_document(file.data()), chargen.Status.INVALID_MODEL)
        self.assertEqual(read_by_library(file.data()), chargen.Status.INVALID_MODEL)
        self.assertLess(self.memory(file.data()), 4 << 20)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        COUNT, IS_SLOW = int(sys.argv.pop()), True
    unittest.main()
