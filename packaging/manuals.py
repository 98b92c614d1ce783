"""Writes a manual page to standard output: trainer(1) from the command's own description of its
options, chargen(3) from the comments of the header.

    build/trainer --experimental-dump-help | manuals.py trainer VERSION
    manuals.py library VERSION <include/chargen.h
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from typing import Iterator


def escaped(text: str) -> str:
    """The text as roff shows it: hyphens that can be copied, no line that begins with a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def example(lines: str) -> str:
    return f".PP\n.RS 4\n.nf\n{escaped(textwrap.dedent(lines))}\n.fi\n.RE"


def page(name: str, section: int, version: str, body: Iterator[str]) -> str:
    title = f'.TH {name.upper()} {section} "" "chargen {version}" "chargen"'
    # Options and names are not divided at the end of a line.
    text = "\n".join([title, ".nh", ".ad l", *body]) + "\n"
    # A heading begins a paragraph by itself.
    return re.sub(r"^(\.S[HS] .*\n)\.PP\n", r"\1", text, flags=re.MULTILINE)


# ---- trainer(1) ----


def paragraphs(text: str) -> Iterator[str]:
    """Paragraphs between empty lines; those whose lines are indented are examples."""
    for paragraph in text.split("\n\n"):
        yield example(paragraph) if paragraph.startswith(" ") else f".PP\n{escaped(paragraph)}"


def argument_text(argument: dict) -> str:
    text = argument.get("abstract", "")
    # Some descriptions name their default themselves.
    if "defaultValue" in argument and "(default: " not in text:
        text += f" (default: {argument['defaultValue']})"
    if values := argument.get("allValues"):
        listed = "(values: " + ", ".join(values)
        text = text.replace("(default: ", f"{listed}; default: ") if "(default: " in text else f"{text} {listed})"
    return text


def spelling(argument: dict) -> str:
    value = f"<{argument['valueName']}>"
    if argument["kind"] == "positional":
        return value + (" ..." if argument["isRepeating"] else "")
    names = [("-" if name["kind"] == "short" else "--") + name["name"] for name in argument["names"]]
    return ", ".join(names) + (f" {value}" if argument["kind"] == "option" else "")


def arguments(command: dict) -> Iterator[str]:
    title = None
    for argument in command.get("arguments", []):
        if not argument["shouldDisplay"] or argument.get("valueName") in ("help", "version"):
            continue
        default = "Arguments" if argument["kind"] == "positional" else "Options"
        if argument.get("sectionTitle", default) != title:
            title = argument.get("sectionTitle", default)
            yield f".PP\n.I {escaped(title)}"
        yield f".TP\n.B {escaped(spelling(argument))}\n{escaped(argument_text(argument))}"
        if "discussion" in argument:
            yield f".RS\n.PP\n{escaped(argument['discussion'])}\n.RE"


def trainer(description: dict) -> Iterator[str]:
    root = description["command"]
    commands = [command for command in root["subcommands"] if command["commandName"] != "help"]
    yield f".SH NAME\ntrainer \\- {escaped(root['abstract'].rstrip('.'))}"
    yield ".SH SYNOPSIS"
    for command in commands:
        places = [spelling(argument) for argument in command["arguments"] if argument["kind"] == "positional"]
        yield f".B trainer {command['commandName']}\n{escaped(' '.join(['[options]', *places]))}\n.br"
    yield ".B trainer \\-\\-version"
    yield ".SH DESCRIPTION"
    yield from paragraphs(root["discussion"])
    yield ".SH COMMANDS"
    for command in commands:
        yield f".SS trainer {command['commandName']}"
        yield escaped(command["abstract"])
        yield from paragraphs(command["discussion"]) if "discussion" in command else ()
        yield from arguments(command)
    yield ".SH EXIT STATUS\n0 on success, 64 for a wrong use of the command, otherwise another number."
    yield ".SH SEE ALSO\n.BR chargen (3)"


# ---- chargen(3) ----


def comment(text: str) -> Iterator[str]:
    """What a comment says: paragraphs, indented examples, and parameters with their meaning."""
    for block in text.strip("\n").split("\n\n"):
        if block.startswith("    "):
            yield example(block)
        elif re.match(r"[a-z_]+: ", block):
            for name, meaning in re.findall(r"^(\w+): +(.*(?:\n .*)*)", block, re.MULTILINE):
                yield f".TP\n.I {escaped(name)}\n{escaped(' '.join(meaning.split()))}"
        elif re.fullmatch(r"[A-Z]+", block):
            yield f".SH {block}"
        else:
            yield f".PP\n{escaped(block.strip())}"


def uncommented(text: str) -> str:
    """The inside of a comment, without the asterisks at the left."""
    return "\n".join(re.sub(r"^ ?\* ?", "", line) for line in text.strip("/*").rstrip(" \n").split("\n"))


def library(header: str) -> Iterator[str]:
    introduction, declarations = header.split("#ifndef CHARGEN_H")
    name, body = uncommented(introduction.strip()).strip("\n").split("\n", 1)
    yield f".SH NAME\n{escaped(name.strip().rstrip('.').replace(': ', ' - ', 1))}"
    yield ".SH SYNOPSIS\n.nf\n.B #include <chargen.h>\n.PP"
    yield f".B {escaped('cc program.c $(pkg-config --cflags --libs chargen)')}\n.fi"
    yield from comment(body)
    declarations = declarations[declarations.index("/* ----") : declarations.rindex("#ifdef __cplusplus")]
    # Comments that begin a line, and what is between them.
    for part in re.split(r"^(/\*.*?\*/)$", declarations, flags=re.DOTALL | re.MULTILINE):
        if title := re.match(r"/\* ---- (.*) ---- \*/", part):
            yield f".SH {title[1].upper()}"
        elif part.startswith("/*"):
            yield from comment(uncommented(part))
        elif part.strip():
            lines = "\n".join(f"\\fB{escaped(line)}\\fR" for line in part.strip().split("\n"))
            yield f".PP\n.nf\n{lines}\n.fi"
    yield ".SH SEE ALSO\n.BR trainer (1)"


def main(kind: str, version: str) -> None:
    if kind == "trainer":
        sys.stdout.write(page("trainer", 1, version, trainer(json.load(sys.stdin))))
    else:
        sys.stdout.write(page("chargen", 3, version, library(sys.stdin.read())))


if __name__ == "__main__":
    main(*sys.argv[1:])
