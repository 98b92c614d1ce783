"""Checks what the comments of include/chargen.h say of each function: ownership, threads, errors,
parameters. Names what is missing, and proves that it would notice.

Usage: header.py HEADER
"""

from __future__ import annotations

import re
import sys
from typing import Iterator, NamedTuple


class Function(NamedTuple):
    """A declaration, the comment above it, and what an earlier comment says of threads."""

    name: str
    result: str
    parameters: list[str]
    comment: str
    threads: str


def functions(header: str) -> Iterator[Function]:
    """The functions. A comment above an empty line is for those below it too."""
    comment = threads = ""
    for part in re.split(r"(/\*.*?\*/)", header[header.index('extern "C"') :], flags=re.DOTALL):
        if part.startswith("/*"):
            comment = re.sub(r"\s+\*? ?", " ", part)
            continue
        if "thread" in comment and part.startswith("\n\n"):
            threads = comment
        for block in re.split(r"\n\n+", part.strip()):
            for declaration in re.findall(r"^(?:const )?\w[\w ]*[ *]chargen_\w+\([^;{}]*\);", block, re.MULTILINE):
                result, name, inside = re.fullmatch(r"(.*?)\b(chargen_\w+)\((.*)\);", declaration, re.DOTALL).groups()
                parameters = [] if inside == "void" else re.split(r",\s*", inside)
                yield Function(name, result.strip(), parameters, comment, threads)
            comment = ""


def faults(header: str) -> Iterator[str]:
    statuses = set(re.findall(r"\bCHARGEN_(\w+) = \d+", header))
    comments = {function.name: function.comment for function in functions(header)}
    for name, result, parameters, comment, threads in functions(header):
        if not comment:
            yield f"{name}: no comment"
            continue
        # Such as "Otherwise like chargen_model_load_file()".
        is_complete = not re.search(r"Otherwise (?:as|like) chargen_", comment)
        if is_complete and "thread" not in comment + threads:
            yield f"{name}: nothing about threads"
        errors = re.search(r"Errors: (.*?)(?:\.|\*/)", comment)
        if is_complete and result == "chargen_status" and not errors:
            yield f"{name}: no errors"
        for word in re.findall(r"\b[A-Z][A-Z_0-9]{3,}\b", errors[1] if errors else ""):
            if word not in statuses | {"NULL", "INFINITY", "SIZE_MAX"}:
                yield f"{name}: {word} is not a status"
        if result.endswith("*") and not re.search(r"\b[Vv]alid\b", comment):
            yield f"{name}: nothing about how long the result is valid"
        # Such as "as chargen_session_score() does".
        similar = [comments[other] for other in re.findall(r"\b(?:as|like) (chargen_\w+)\(\)", comment)]
        for parameter in parameters:
            kind, word = re.fullmatch(r"(.*?)(\w+)", parameter, re.DOTALL).groups()
            # The introduction says what a text's length is.
            if re.fullmatch(r"(\w+_)?lengths?", word):
                continue
            if is_complete and re.fullmatch(r"chargen_\w+ \*\*", kind) and "freed with" not in comment:
                yield f"{name}: nothing about who frees {word}"
            if is_complete and "chargen_" not in kind and not re.search(rf"\b{word}\b", " ".join([comment, *similar])):
                yield f"{name}: nothing about {word}"


PLANTED = [
    ("no errors", r" \* Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. Any thread, also", " * Any thread, also"),
    ("is not a status", r"BUFFER_TOO_SMALL if", "BUFFER_SMALL if"),
    ("nothing about threads", r" valid forever\. Any\n \* thread\.", " valid forever."),
    ("nothing about index", r" \* index: ", " * number: "),
    ("nothing about who frees model", r", to be freed with chargen_model_free\(\)", ""),
    ("nothing about how long the result is valid", r" Valid forever\. \"\" for NULL", ' "" for NULL'),
    ("no comment", r"/\* Returns the number of recurrent layers[^/]*/\n", ""),
]


def main(path: str) -> int:
    with open(path, encoding="utf-8") as file:
        header = file.read()
    found = list(faults(header))
    if len(set(function.name for function in functions(header))) != len(set(re.findall(r"\bchargen_\w+(?=\()", header))):
        found.append("some functions are not declared as this check expects")
    for fault, pattern, replacement in PLANTED:
        changed = re.sub(pattern, lambda _: replacement, header, count=1, flags=re.DOTALL)
        if not any(fault in each for each in set(faults(changed)) - set(found)):
            found.append(f"a planted fault is not found: {fault}")
    print("\n".join(found))
    return len(found) > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
