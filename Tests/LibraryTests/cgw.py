"""A reader and a writer of .cgw files, written from docs/cgw-format.md alone.

It shares nothing with chargen's own reader, so that where both agree on a file, the document says
what is to be done with it. libzstd compresses what it writes.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import dataclasses
import struct
import zlib

from zstd_frame import Refused, check, decompressed

SIGNATURE = b"\x89CGW\r\n\x1a\n"
CELLS = ("rnn", "gru", "lstm")
GATES = (1, 3, 4)
FLOAT32, BFLOAT16, INT8, INT4 = range(4)
LONGEST_HEADER = 1_380_536
# The bits of 2^121 as a binary32 number.
SCALE_LIMIT = (121 + 127) << 23

_zstd = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
for _name in ("ZSTD_compress", "ZSTD_compressBound"):
    getattr(_zstd, _name).restype = ctypes.c_size_t
_zstd.ZSTD_compressBound.argtypes = [ctypes.c_size_t]
_zstd.ZSTD_compress.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]


class UnknownVersion(Refused):
    """One that a later version of the format may allow."""


# MARK: - Shapes


@dataclasses.dataclass
class Shape:
    cell: int
    layers: int
    hidden_size: int
    characters: int
    special: int
    # Of all columns together.
    labels: int = 0

    @property
    def symbols(self) -> int:
        return self.characters + (self.special % 4 > 0) + self.special // 4 % 2

    def tensors(self) -> list[tuple[str, int, int]]:
        """Name, rows and columns of each tensor in the order of the file."""
        gates = GATES[self.cell] * self.hidden_size
        tensors = []
        for layer in range(self.layers):
            tensors += [
                (f"rnn.weight_ih_l{layer}", gates, self.hidden_size if layer else self.symbols),
                (f"rnn.weight_hh_l{layer}", gates, self.hidden_size),
                (f"rnn.bias_ih_l{layer}", gates, 1),
                (f"rnn.bias_hh_l{layer}", gates, 1),
            ]
        tensors += [("fc.weight", self.symbols, self.hidden_size), ("fc.bias", self.symbols, 1)]
        if self.labels:
            names = ("labels.hidden", "labels.cell") if CELLS[self.cell] == "lstm" else ("labels.hidden",)
            tensors += [(name, 1 + self.labels, self.layers * self.hidden_size) for name in names]
        return tensors


def group_count(columns: int) -> int:
    return -(-columns // 32)


def payload_length(element_type: int, rows: int, columns: int) -> int:
    count = rows * columns
    return (4 * count, 2 * count, 4 * rows + count, 18 * rows * group_count(columns))[element_type]


# MARK: - Elements


def compressed(content: bytes, level: int = 3) -> bytes:
    """A zstd frame."""
    frame = ctypes.create_string_buffer(_zstd.ZSTD_compressBound(len(content)))
    length = _zstd.ZSTD_compress(frame, len(frame), content, len(content), level)
    return frame.raw[:length]


def joined(planes: bytes, width: int) -> list[int]:
    """The numbers of which these are the byte planes, one after the other."""
    count = len(planes) // width
    return [int.from_bytes(planes[index::count], "little") for index in range(count)]


def planes(numbers: list[int], width: int) -> bytes:
    return b"".join(bytes(number >> 8 * plane & 0xFF for number in numbers) for plane in range(width))


def single(bits: int) -> float:
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def rounded(value: float) -> float:
    """The binary32 number nearest to a binary64 number, ties to even."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def elements(payload: bytes, element_type: int, rows: int, columns: int) -> list[float]:
    """A tensor's elements, row after row, as binary32 numbers."""
    if element_type in (FLOAT32, BFLOAT16):
        width = 4 if element_type == FLOAT32 else 2
        words = [bits << (32 - 8 * width) for bits in joined(payload, width)]
        check(all(bits >> 23 & 0xFF != 0xFF for bits in words), "a value that is not finite")
        return [single(bits) for bits in words]
    if element_type == INT8:
        scales, integers = joined(payload[: 4 * rows], 4), payload[4 * rows :]
        check(all(bits < SCALE_LIMIT for bits in scales), "a scale out of range")
        check(0x80 not in integers, "the value -128")
        return [
            rounded(single(scales[index // columns]) * (byte - 256 if byte > 127 else byte))
            for index, byte in enumerate(integers)
        ]
    groups = group_count(columns)
    scales = [bits << 16 for bits in joined(payload[: 2 * rows * groups], 2)]
    check(all(bits & 0x7FFFFFFF < SCALE_LIMIT for bits in scales), "a scale out of range")
    halves = payload[2 * rows * groups :]
    result = []
    for row in range(rows):
        for column in range(32 * groups):
            group = row * groups + column // 32
            byte = halves[16 * group + column % 16]
            q = byte & 15 if column % 32 < 16 else byte >> 4
            if column < columns:
                result.append(rounded(single(scales[group]) * (q - 8)))
            else:
                check(q == 8, "a value beyond the last column")
    return result


# MARK: - Files


@dataclasses.dataclass
class Entry:
    """A tensor as it is stored. What is None is what it has to be."""

    element_type: int
    frame: bytes
    checksum: int | None = None
    length: int | None = None


@dataclasses.dataclass
class File:
    """A file's fields, any of which may be wrong. What is None is what it has to be."""

    shape: Shape
    scalars: list[int]
    provenance: bytes
    entries: list[Entry]
    # The names of labels, as a header has them.
    labels: bytes = b""
    signature: bytes = SIGNATURE
    version: int = 1
    header_length: int | None = None
    file_length: int | None = None
    provenance_length: int | None = None
    header_checksum: int | None = None
    after_directory: bytes = b""
    after_tensors: bytes = b""

    def data(self) -> bytes:
        def given(value: int | None, otherwise: int) -> int:
            return otherwise if value is None else value

        directory = b"".join(
            struct.pack(
                "<IIQ", entry.element_type, given(entry.checksum, zlib.crc32(entry.frame)),
                given(entry.length, len(entry.frame)))
            for entry in self.entries)
        variable = struct.pack(f"<{len(self.scalars)}I", *self.scalars) + self.labels + self.provenance + directory
        variable += self.after_directory
        tensors = b"".join(entry.frame for entry in self.entries) + self.after_tensors
        length = 48 + len(variable) + 4
        shape = self.shape
        header = self.signature + struct.pack(
            "<IIQ6I", self.version, given(self.header_length, length),
            given(self.file_length, length + len(tensors)), shape.cell, shape.layers, shape.hidden_size,
            shape.characters, shape.special, given(self.provenance_length, len(self.provenance)))
        header += variable
        return header + struct.pack("<I", given(self.header_checksum, zlib.crc32(header))) + tensors


def label_names(columns: list[tuple[bytes, list[bytes]]]) -> bytes:
    """The names of labels as a header has them."""
    text = b"".join(name + b"\0" for column, labels in columns for name in (column, *labels))
    counts = [len(labels) for _, labels in columns]
    return struct.pack(f"<{len(counts) + 2}I", len(counts), *counts, len(text)) + text


def read_labels(rest: bytes) -> tuple[bytes, int]:
    """The names of labels at the beginning of some bytes, and the number of labels."""
    check(len(rest) >= 4, "no labels")
    (columns,) = struct.unpack_from("<I", rest)
    check(1 <= columns <= 16 and len(rest) >= 4 * (columns + 2), "an impossible number of columns")
    *counts, length = struct.unpack_from(f"<{columns + 1}I", rest, 4)
    check(min(counts) >= 1 and sum(counts) <= 4095, "an impossible number of labels")
    end = 4 * (columns + 2) + length
    check(length <= 1 << 16 and end <= len(rest), "an impossible length of names")
    *names, last = rest[4 * (columns + 2) : end].split(b"\0")
    check(last == b"" and len(names) == columns + sum(counts), "another number of names")
    check(all(names), "an empty name")
    try:
        b"".join(name + b"\0" for name in names).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("names of labels that are not UTF-8") from error
    seen = set()
    for count in counts:
        column, *labels = names[: count + 1]
        check(column not in seen, "a column twice")
        seen.add(column)
        check(all(one < other for one, other in zip(labels, labels[1:])), "the labels are not ascending")
        names = names[count + 1 :]
    return rest[:end], sum(counts)


def read_header(data: bytes, file_length: int) -> tuple[File, list[int]]:
    """A file without its tensors, and the length of each tensor's payload."""
    check(data[:8] == SIGNATURE and len(data) >= 48, "not a .cgw file")
    version, header_length, declared = struct.unpack_from("<IIQ", data, 8)
    if version != 1:
        raise UnknownVersion(f"version {version}")
    check(declared == file_length, "another file length")
    check(52 <= header_length <= min(file_length, LONGEST_HEADER), "an impossible header length")
    check(len(data) >= header_length, "the header is cut")
    (checksum,) = struct.unpack_from("<I", data, header_length - 4)
    check(zlib.crc32(data[: header_length - 4]) == checksum, "the header's checksum")
    *fields, provenance_length = struct.unpack_from("<6I", data, 24)
    shape = Shape(*fields)
    check(shape.cell <= 2, "an unknown cell")
    check(1 <= shape.layers <= 64 and 1 <= shape.hidden_size <= 16384, "impossible sizes")
    check(shape.special in (0, 1, 2, 4, 5, 6, 8, 9, 12, 13), "impossible special symbols")
    both = shape.special // 4 % 2 == 1 and shape.special % 4 > 0
    check(1 <= shape.characters <= (65534 if both else 65535), "an impossible number of characters")
    check(provenance_length <= 1 << 20, "a provenance too long")
    place = 48 + 4 * shape.characters
    names = b""
    if shape.special >= 8:
        names, shape.labels = read_labels(data[place : header_length - 4])
    tensors = shape.tensors()
    place += len(names)
    directory = place + provenance_length
    check(directory + 16 * len(tensors) + 4 == header_length, "the header has another length than its parts")
    scalars = list(struct.unpack_from(f"<{shape.characters}I", data, 48))
    check(all(value < 0xD800 or 0xE000 <= value < 0x110000 for value in scalars), "not a Unicode scalar value")
    check(all(one < other for one, other in zip(scalars, scalars[1:])), "the vocabulary is not ascending")
    provenance = data[place:directory]
    try:
        provenance.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("the provenance is not UTF-8") from error

    entries, lengths, end, size = [], [], header_length, 0
    for index, (name, rows, columns) in enumerate(tensors):
        element_type, checksum, length = struct.unpack_from("<IIQ", data, directory + 16 * index)
        if element_type > INT4:
            raise UnknownVersion(f"{name}: element type {element_type}")
        is_float = "bias" in name or name.startswith("labels")
        check(not is_float or element_type == FLOAT32, f"{name}: not float32")
        entries.append(Entry(element_type, b"", checksum, length))
        is_recurrent = name.startswith("rnn.weight") and index > 1
        check(not is_recurrent or element_type == entries[1].element_type, f"{name}: another type")
        lengths.append(payload_length(element_type, rows, columns))
        check(length <= 2 * lengths[-1] + 1024, f"{name}: a frame too long")
        size += lengths[-1] if index else 4 * rows * columns
        end += length
    check(end == file_length, "the tensors do not fill the file")
    check(size // 64 < file_length, "tensors out of proportion")
    return File(shape, scalars, provenance, entries, names), lengths


def read(data: bytes) -> tuple[File, list[list[float]]]:
    """A file and the elements of its tensors.

    Raises Refused for what the document says a reader must refuse.
    """
    file, lengths = read_header(data, len(data))
    (place,) = struct.unpack_from("<I", data, 12)
    shapes = file.shape.tensors()
    for entry, (name, _, _) in zip(file.entries, shapes):
        assert entry.length is not None
        entry.frame = data[place : place + entry.length]
        place += entry.length
        check(zlib.crc32(entry.frame) == entry.checksum, f"{name}: checksum")
        # What they have to be, as has been checked.
        entry.checksum = entry.length = None
    return file, [
        elements(decompressed(entry.frame, length), entry.element_type, rows, columns)
        for entry, length, (_, rows, columns) in zip(file.entries, lengths, shapes)
    ]
