"""Writes the folder Malformed: small files that a reader must refuse, each named for its defect.

    malformed.py

Every checksum in them is right, unless it is the defect. The frames are written by hand, so that
the files do not depend on a version of zstd.
"""

from __future__ import annotations

import copy
import dataclasses
import pathlib
import struct
from collections.abc import Callable, Iterator

from cgw import BFLOAT16, FLOAT32, INT4, INT8, Entry, File, Shape, label_names, planes

FOLDER = pathlib.Path(__file__).resolve().parent / "Malformed"
# What a later version of the format may allow: a reader says so.
VERSIONS = {"version-0", "version-2", "version-4294967295", "element-type-4", "element-type-4294967295"}

RAW, RUN, COMPRESSED, RESERVED = range(4)


def block(kind: int, content: bytes, length: int | None = None, last: bool = True) -> bytes:
    size = len(content) if length is None else length
    return (last | kind << 1 | size << 3).to_bytes(3, "little") + content


def frame(content: bytes, blocks: bytes | None = None, descriptor: int = 0x20, fields: bytes | None = None) -> bytes:
    """A frame whose content size has a byte."""
    fields = bytes([len(content)]) if fields is None else fields
    return b"\x28\xb5\x2f\xfd" + bytes([descriptor]) + fields + (block(RAW, content) if blocks is None else blocks)


def one_match(literals: bytes, offset: bytes, bits: bytes) -> bytes:
    """A frame of one block of one sequence, whose three tables have one code each."""
    sequences = b"\1\x54" + bytes([len(literals)]) + offset + b"\0" + bits
    content = bytes([len(literals) << 3]) + literals + sequences
    return frame(b"", block(COMPRESSED, content), descriptor=0, fields=b"\x38")


def coded(count: int, streams: bytes, weight: int = 1, form: int = 0, rest: bytes = b"") -> bytes:
    """A frame of coded literals, bytes 0 and 0x3E, whose codes are the bits 0 and 1, and others."""
    description = bytes([127 + 0x3E, weight << 4]) + bytes(30)
    header = 2 | form << 2 | count << 4 | len(description + streams) << 14
    content = header.to_bytes(3, "little") + description + streams + b"\0"
    return frame(b"", block(COMPRESSED, content, last=False) + block(RAW, rest), descriptor=0, fields=b"\x38")


def floats(*values: float) -> bytes:
    return planes([struct.unpack("<I", struct.pack("<f", value))[0] for value in values], 4)


def labelled(names: bytes, element_type: int = FLOAT32, special: int = 8) -> Callable[[File], None]:
    """Gives a file labels of these names, with states for one label."""

    def change(file: File) -> None:
        file.shape.special = special
        file.labels = names
        if special % 4:
            # A column and a row for the end of a document.
            file.entries[0] = Entry(FLOAT32, frame(floats(*range(6))))
            file.entries[4:] = [Entry(FLOAT32, frame(floats(*values))) for values in (range(6), range(3))]
        states = floats(0, 0, 0.5, -0.5)
        file.entries.append(Entry(element_type, frame(states if element_type == FLOAT32 else states[:8])))

    return change


def valid() -> File:
    """A simple RNN of one layer of two units and two characters."""
    shape = Shape(cell=0, layers=1, hidden_size=2, characters=2, special=0)
    tensors = [[1, -1, 0.5, 2], [0.25, 0, 0, 0.25], [0, 0], [0.125, 0], [1, 2, -1, 0], [0, -3]]
    entries = [Entry(FLOAT32, frame(floats(*values))) for values in tensors]
    return File(shape, [0x61, 0xE9], b'{"chargen":"0.2.0"}', entries)


def with_type(element_type: int, payload: bytes) -> Callable[[File], None]:
    """Makes rnn.weight_hh_l0 of another type."""

    def change(file: File) -> None:
        file.entries[1] = Entry(element_type, frame(payload))

    return change


def with_frame(make: Callable[[bytes], bytes]) -> Callable[[File], None]:
    """Makes another frame of the content of rnn.bias_hh_l0."""

    def change(file: File) -> None:
        file.entries[3].frame = make(floats(0.125, 0))

    return change


def shape(**fields: int) -> Callable[[File], None]:
    def change(file: File) -> None:
        file.shape = dataclasses.replace(file.shape, **fields)

    return change


def field(**fields: object) -> Callable[[File], None]:
    def change(file: File) -> None:
        for name, value in fields.items():
            setattr(file, name, value)

    return change


def entry(index: int, **fields: object) -> Callable[[File], None]:
    def change(file: File) -> None:
        for name, value in fields.items():
            setattr(file.entries[index], name, value)

    return change


def both(*changes: Callable[[File], None]) -> Callable[[File], None]:
    def change(file: File) -> None:
        for each in changes:
            each(file)

    return change


def directory_of(count: int) -> Callable[[File], None]:
    return field(entries=[Entry(FLOAT32, b"") for _ in range(count)])


def int4(scale: int = 0x3F80, last: int = 0x88) -> bytes:
    """Two rows of two columns; `last` is in the sixteenth byte of both rows, beyond the columns."""
    row = b"\x89\x8a" + b"\x88" * 13 + bytes([last])
    return planes([scale, 0x3F80], 2) + row + row


def int8(scale: int = 0x3F800000, q: int = 1) -> bytes:
    return planes([scale, 0x3F800000], 4) + bytes([q, 255, 0, 127])


LAST = 2**32 - 1
DEFECTS: dict[str, Callable[[File], None]] = {
    # The fixed header
    "signature-lower-case": field(signature=b"\x89cgw\r\n\x1a\n"),
    "signature-line-ends-converted": field(signature=b"\x89CGW\n\x1a\n\n"),
    **{f"version-{number}": field(version=number) for number in (0, 2, LAST)},
    **{f"header-length-{length}": field(header_length=length) for length in (0, 51, 52, 60, 1_314_897, LAST)},
    **{f"file-length-{length}": field(file_length=length) for length in (0, 1, 1 << 32, 1 << 63, 2**64 - 1)},
    **{f"cell-{number}": shape(cell=number) for number in (3, LAST)},
    **{f"layers-{number}": shape(layers=number) for number in (0, 2, 65, LAST)},
    **{f"hidden-size-{number}": shape(hidden_size=number) for number in (0, 1, 3, 16_384, 16_385, LAST)},
    **{f"characters-{number}": shape(characters=number) for number in (0, 1, 3, 65_535, 65_536, LAST)},
    **{f"special-symbols-{number}": shape(special=number) for number in (1, 2, 3, 4, 5, 6, 7, 8, 1 << 31, LAST)},
    "characters-65535-and-both-special-symbols": shape(characters=65_535, special=6),
    **{f"provenance-length-{length}": field(provenance_length=length) for length in (0, 18, 20, 1 << 20, LAST)},
    "header-checksum": field(header_checksum=0),
    # The vocabulary and the provenance
    "vocabulary-descending": field(scalars=[0xE9, 0x61]),
    "vocabulary-repeated": field(scalars=[0x61, 0x61]),
    "vocabulary-lowest-surrogate": field(scalars=[0x61, 0xD800]),
    "vocabulary-highest-surrogate": field(scalars=[0x61, 0xDFFF]),
    "vocabulary-above-unicode": field(scalars=[0x61, 0x110000]),
    "vocabulary-from-2-to-the-31": field(scalars=[0x61, 1 << 31]),
    "vocabulary-last-word": field(scalars=[0x61, LAST]),
    "provenance-invalid-byte": field(provenance=b"\xff"),
    "provenance-cut-character": field(provenance=b"{}\xc3"),
    "provenance-overlong-character": field(provenance=b"\xc0\xaf"),
    "provenance-surrogate": field(provenance=b"\xed\xa0\x80"),
    "provenance-above-unicode": field(provenance=b"\xf4\x90\x80\x80"),
    # Labels
    **{
        f"labels-{name}": labelled(names)
        for name, names in {
            "missing": b"", "of-no-column": struct.pack("<II", 0, 0), "of-17-columns": label_names(17 * [(b"a", [b"x"])]),
            "of-a-column-twice": label_names([(b"a", [b"x"]), (b"a", [b"x"])]), "twice": label_names([(b"a", [b"x", b"x"])]),
            "descending": label_names([(b"a", [b"y", b"x"])]), "of-an-empty-name": label_names([(b"a", [b""])]),
            "of-an-empty-column": label_names([(b"", [b"x"])]), "none": label_names([(b"a", [])]),
            "not-utf-8": label_names([(b"a", [b"\xff"])]), "cut-character": label_names([(b"a", [b"\xc3"])]),
            "without-last-nul": struct.pack("<III", 1, 1, 3) + b"a\0x", "one-name-less": struct.pack("<III", 1, 1, 2) + b"a\0",
            "one-name-more": struct.pack("<III", 1, 1, 6) + b"a\0x\0y\0",
            "of-4096": struct.pack("<III", 1, 4096, 4) + b"a\0x\0",
            "longer-than-64-kib": struct.pack("<III", 1, 1, 65_537) + b"a\0x\0",
            "longer-than-the-header": struct.pack("<III", 1, 1, 65_536) + b"a\0x\0",
        }.items()
    },
    "labels-and-a-state-that-is-carried": labelled(label_names([(b"a", [b"x"])]), special=10),
    "labels-of-type-1": labelled(label_names([(b"a", [b"x"])]), BFLOAT16),
    # The directory
    "directory-of-5": lambda file: file.entries.pop(),
    "directory-of-7": lambda file: file.entries.append(file.entries[0]),
    "directory-followed-by-a-byte": field(after_directory=b"\0"),
    "tensors-followed-by-a-byte": field(after_tensors=b"\0"),
    **{f"element-type-{number}": entry(1, element_type=number) for number in (4, LAST)},
    **{f"bias-of-type-{number}": entry(2, element_type=number) for number in (BFLOAT16, INT8, INT4)},
    "output-bias-of-type-1": entry(5, element_type=BFLOAT16),
    "tensor-checksum": entry(1, checksum=0),
    **{f"tensor-length-{length}": entry(5, length=length) for length in (0, 16, 18, 1 << 32, 1 << 63, 2**64 - 1)},
    "tensor-lengths-overflow-to-the-right-sum": both(entry(0, length=2**64 - 1), entry(1, length=44)),
    "sizes-out-of-proportion": both(shape(layers=64, hidden_size=16_384), directory_of(258)),
    "first-layer-out-of-proportion": both(
        shape(cell=1, hidden_size=16_384), entry(0, element_type=INT4), entry(1, element_type=INT4)),
    # Frames
    "frame-empty": with_frame(lambda content: b""),
    "frame-magic": with_frame(lambda content: b"\x27" + frame(content)[1:]),
    "frame-only-magic": with_frame(lambda content: frame(content)[:4]),
    "frame-cut": with_frame(lambda content: frame(content)[:-1]),
    "frame-followed-by-a-byte": with_frame(lambda content: frame(content) + b"\0"),
    "frame-twice": with_frame(lambda content: 2 * frame(content)),
    "frame-and-skippable-frame": with_frame(lambda content: frame(content) + b"\x50\x2a\x4d\x18" + bytes(4)),
    "frame-skippable": with_frame(lambda content: b"\x50\x2a\x4d\x18\x08\0\0\0" + content),
    "frame-in-two": with_frame(lambda content: frame(content[:4]) + frame(content[4:])),
    "frame-shorter": with_frame(lambda content: frame(content[:-1])),
    "frame-longer": with_frame(lambda content: frame(content + b"\0")),
    "frame-content-size-too-small": with_frame(lambda content: frame(content, fields=b"\x07")),
    "frame-content-size-too-large": with_frame(lambda content: frame(content, fields=b"\x09")),
    "frame-content-size-2-to-the-63": with_frame(
        lambda content: frame(content, descriptor=0xE0, fields=struct.pack("<Q", 1 << 63))),
    "frame-reserved-bit": with_frame(lambda content: frame(content, descriptor=0x28)),
    "frame-dictionary-id-1": with_frame(lambda content: frame(content, descriptor=0x21, fields=b"\1\x08")),
    "frame-dictionary-id-of-4-bytes": with_frame(
        lambda content: frame(content, descriptor=0x23, fields=b"\0\0\0\1\x08")),
    "frame-window-of-256-megabytes": with_frame(lambda content: frame(content, descriptor=0, fields=b"\x90")),
    "frame-window-of-4-terabytes": with_frame(lambda content: frame(content, descriptor=0, fields=b"\xff")),
    "frame-checksum-missing": with_frame(lambda content: frame(content, descriptor=0x24)),
    "frame-checksum-wrong": with_frame(lambda content: frame(content, descriptor=0x24) + b"\0\0\0\0"),
    "frame-of-empty-blocks-too-long": with_frame(
        lambda content: frame(content, 342 * block(RAW, b"", last=False) + block(RAW, content))),
    "frame-without-last-block": with_frame(lambda content: frame(content, block(RAW, content, last=False))),
    "block-reserved": with_frame(lambda content: frame(content, block(RESERVED, content))),
    "block-cut": with_frame(lambda content: frame(content, block(RAW, content, length=9))),
    "block-run-without-a-byte": with_frame(lambda content: frame(content, block(RUN, b"", length=8))),
    "block-run-too-long": with_frame(lambda content: frame(content, block(RUN, b"\0", length=9))),
    "block-run-longer-than-any-block": with_frame(
        lambda content: frame(content, block(RUN, b"\0", length=(128 << 10) + 1), descriptor=0, fields=b"\x38")),
    "block-compressed-empty": with_frame(lambda content: frame(content, block(COMPRESSED, b""))),
    "block-compressed-without-sequences": with_frame(lambda content: frame(content, block(COMPRESSED, b"\x40"))),
    "block-compressed-literals-cut": with_frame(lambda content: frame(content, block(COMPRESSED, b"\x40\0\0\0"))),
    "block-compressed-repeats-no-table": with_frame(
        lambda content: frame(content, block(COMPRESSED, b"\x83\x40\x00\x01\x00"))),
    # Literals, and a match of 3 bytes that goes on beyond the content, or begins before it.
    "block-compressed-match-too-long": with_frame(lambda content: one_match(content[:6], b"\0", b"\1")),
    "block-compressed-match-before-the-content": with_frame(lambda content: one_match(content[:5], b"\4", b"\x10")),
    "block-compressed-bits-left": with_frame(lambda content: one_match(content[:5], b"\0", b"\2")),
    "block-compressed-bits-without-end": with_frame(lambda content: one_match(content[:5], b"\0", b"\0")),
    # Literals whose last bits are missing or are not read, and codes that the document excludes.
    "block-compressed-literals-end-early": with_frame(lambda content: coded(8, b"\x81")),
    "block-compressed-literals-bits-left": with_frame(lambda content: coded(8, b"\x04\2")),
    "block-compressed-literals-without-end": with_frame(lambda content: coded(8, b"\2\0")),
    "block-compressed-code-without-weight-1": with_frame(lambda content: coded(8, b"\2\1", weight=2)),
    "block-compressed-four-streams-of-4-literals": with_frame(
        lambda content: coded(4, b"\1\0\1\0\1\0" + b"\2\2\2\2", form=1, rest=content[4:])),
    # Elements
    **{
        f"float32-{name}": entry(5, frame=frame(planes([0x3F800000, bits], 4)))
        for name, bits in {
            "infinite": 0x7F800000, "minus-infinite": 0xFF800000, "nan": 0x7FC00000, "signalling-nan": 0xFF800001,
        }.items()
    },
    **{
        f"bfloat16-{name}": with_type(BFLOAT16, planes([0, 0, 0, bits], 2))
        for name, bits in {"infinite": 0x7F80, "nan": 0xFFC0}.items()
    },
    **{
        f"int8-scale-{name}": with_type(INT8, int8(scale=bits))
        for name, bits in {
            "2-to-the-121": 0x7C000000, "infinite": 0x7F800000, "nan": 0x7FC00000, "negative": 0xBF800000,
            "minus-zero": 0x80000000,
        }.items()
    },
    "int8-minus-128": with_type(INT8, int8(q=0x80)),
    **{
        f"int4-scale-{name}": with_type(INT4, int4(scale=bits))
        for name, bits in {
            "2-to-the-121": 0x7C00, "minus-2-to-the-121": 0xFC00, "infinite": 0x7F80, "nan": 0xFFC0,
        }.items()
    },
    "int4-beyond-the-last-column": with_type(INT4, int4(last=0x89)),
    "int4-beyond-the-last-column-in-the-upper-half": with_type(INT4, int4(last=0x78)),
    "hidden-matrices-of-two-types": lambda file: second_layer(file),
}


def second_layer(file: File) -> None:
    """A second layer, one of whose matrices is bfloat16."""
    file.shape.layers = 2
    more = copy.deepcopy(file.entries[:4])
    more[0] = Entry(BFLOAT16, frame(planes([0, 0, 0, 0], 2)))
    file.entries[4:4] = more


def malformed() -> Iterator[tuple[str, bytes]]:
    """Each file's name and bytes."""
    data = valid().data()
    yield "empty", b""
    yield "only-signature", data[:8]
    yield "fixed-header-cut", data[:47]
    yield "only-fixed-header", data[:48]
    yield "header-cut", data[:150]
    yield "last-byte-missing", data[:-1]
    yield "byte-after-the-end", data + b"\0"
    for name, change in DEFECTS.items():
        file = valid()
        change(file)
        yield name, file.data()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.cgw"):
        old.unlink()
    for name, data in malformed():
        (FOLDER / f"{name}.cgw").write_bytes(data)
