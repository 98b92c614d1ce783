"""The code blocks of the guides: those in C compile, those in Python run.

A block in C is a whole program if it has a main(). Otherwise it stands in a function that has what
FRAME declares, but for definitions, which stand before it. MODEL is the path of a model of names.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = os.environ["MODEL"]

FRAME = """
#define _POSIX_C_SOURCE 200809L
#include <chargen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
enum { N = 8, COUNT = 8 };
%s
struct line { const char *text; size_t length, characters; double score; };
void fragment(chargen_model *model, chargen_session *session, chargen_batch *batch, chargen_session **sessions,
              chargen_pattern *pattern, struct line *lines, uint64_t seed, const char *prompt, char *text,
              size_t length, size_t count, size_t i, size_t characters, const void *bytes, const char *name,
              size_t name_length, const char *before, size_t before_length, const char *candidate,
              size_t candidate_length, double log_probability, chargen_character_callback show,
              void (*append)(chargen_session *, uint32_t), void (*finish)(chargen_session *), size_t *found) {
    {
%s
    }
}
"""


def blocks(document: str, language: str) -> list[tuple[int, str]]:
    """The code blocks of a document, each after the number of its first line."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return [
        (text.count("\n", 0, match.start()) + 2, match[1])
        for match in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    ]


class PythonBlocks(unittest.TestCase):
    def test_they_run(self) -> None:
        for document in ("docs/python-guide.md", "docs/labels.md", "README.md", "docs/patterns.md", "docs/sampling.md", "examples/python/README.md"):
            for line, code in blocks(document, "python"):
                with self.subTest(document=document, line=line), tempfile.TemporaryDirectory() as folder:
                    for name in ("model.cgw", "names.cgw"):
                        shutil.copy(MODEL, pathlib.Path(folder) / name)
                    result = subprocess.run(
                        [sys.executable, "-W", "error", "-c", code], cwd=folder, capture_output=True, text=True,
                        env={**os.environ, "PYTHONPATH": str(ROOT / "examples/python")}, timeout=60, check=False)
                    self.assertEqual((result.returncode, result.stderr), (0, ""), code)


class CppBlocks(unittest.TestCase):
    def test_they_compile(self) -> None:
        for line, code in blocks("docs/c-guide.md", "cpp"):
            with self.subTest(line=line), tempfile.TemporaryDirectory() as folder:
                source = pathlib.Path(folder) / "block.cc"
                source.write_text(code, encoding="utf-8")
                result = subprocess.run(
                    ["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-I", ROOT / "include", "-c", source, "-o",
                     source.with_suffix(".o")],
                    capture_output=True, text=True, check=False)
                self.assertEqual(result.returncode, 0, result.stderr)


class CBlocks(unittest.TestCase):
    def test_they_compile(self) -> None:
        for document in ("docs/c-guide.md", "docs/patterns.md", "docs/pytorch.md", "README.md"):
            for line, code in blocks(document, "c"):
                with self.subTest(document=document, line=line), tempfile.TemporaryDirectory() as folder:
                    self.compile(code, pathlib.Path(folder))

    def compile(self, code: str, folder: pathlib.Path) -> None:
        is_program = re.search(r"^int main\(", code, re.MULTILINE) is not None
        if not is_program:
            definitions = ""
            for definition in re.findall(r"^static [^;{]*\) \{\n.*?^}\n|^static [^\n]*;[^\n]*\n", code, re.DOTALL | re.MULTILINE):
                definitions += definition
                code = code.replace(definition, "")
            includes = "".join(re.findall(r"^#.*\n", code, re.MULTILINE))
            code = FRAME % (includes + definitions, re.sub(r"^#.*\n", "", code, flags=re.MULTILINE))
        source = folder / "block.c"
        source.write_text(code, encoding="utf-8")
        # A fragment need not use all, and may declare what the frame has, in a block of its own.
        lenient = [] if is_program else [
            "-Wno-unused-parameter", "-Wno-unused", "-Wno-discarded-qualifiers", "-Wno-maybe-uninitialized"]
        result = subprocess.run(
            ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", *lenient, "-I", ROOT / "include", "-c", source, "-o",
             folder / "block.o"],
            capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    unittest.main()
