"""Checks the words of the project's prose, and the length of its comment lines.

    prose.py [FILE…]

Without files it checks all that git tracks, apart from EXCLUDED. It prints a line for each finding,
FILE:LINE:COLUMN, and exits with 1 if there is one. PROSE and NAMES list what it looks for.
"""

import collections
import functools
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Recorded results stay as they were written; this folder has to spell out what it finds.
EXCLUDED = ("Benchmarks/results/", "Tests/Lint/")

# The widest comment line. Code may be wider: swift-format checks that.
COLUMNS = 100

# `pattern` is a regular expression between word boundaries, in any case, with a space for any space or
# line break. `found` are phrases that it must find, `passed` ordinary ones that it must not.
Rule = collections.namedtuple("Rule", "pattern instead found passed")

# What must not occur in comments, strings and Markdown.
PROSE = [
    Rule(r"teams?", "thread pool", ["a team of threads"], ["steam"]),
    Rule(r"members?", "worker", ["what a member does"], ["memberwise"]),
    Rule(
        r"parts? of the work|parts? (?:a|each) (?:thread|core)|takes? parts from|(?:does|do) (?:one|its|the) parts?"
        r"|has one part|changes? a share|own share",
        "chunk, one chunk per thread", ["a part a thread", "Does one part."], ["the upper part of the range"]),
    Rule(r"share[sd]? out|sharing out", "distribute", ["each shared out among\n/// threads"], ["shares a buffer"]),
    Rule(
        r"looks? for work|another look|looks? again|calls a look|looks at the clock", "spin, poll, check",
        ["looks for work"], ["looks up a symbol", "look at the file"]),
    Rule(
        r"(?:blocks?|rows?|columns?) of sums|among (?:all )?sums|gradients? of (?:the|their|its) sums?"
        r"|(?:layer|gate|unit|step|tile|candidate)s?['’]s? sums?|sums? of (?:a|the|one|each) (?:gates?|step|layer|tile|unit)"
        r"|sums? of (?:the input|r and z|some rows)|four sums|sums r and z|sums? over the (?:bias|layer|input|hidden)\w*"
        r"|sums? (?:starts?|begins?)|begins? (?:the same|with) sums|start the same sum|row of sums|sums? they add to"
        r"|sums? a unit|gradients of sums",
        "preactivation", ["a step's sums", "the sums of the gates"], ["sums of logarithms", "the sum of the weights"]),
    Rule(r"sums? ←|- sums:", "name the preactivations or the target, not sums", ["sums ← sums + W"], ["Σ ← "]),
    Rule(
        r"initial sums?|starts? for (?:each|every|the) (?:row|layer|sum)\w*", "bias table",
        ["the initial sums", "a start for each row's sum"], ["starts a thread for each row"]),
    Rule(
        r"the way (?:back|forward)|go(?:es|ing)? back|forward and back|(?:rows|taken) back",
        "forward pass, backward pass, propagates; resets",
        ["on the way back", "goes back to the beginning", "forward and back"], ["forward and backward passes"]),
    Rule(
        r"depths|(?<!in\s)(?<!in-)depth(?!-first)", "k, kc (of a product), layers (of a network)",
        ["four depths", "the depth of a product"], ["in depth", "an in-depth review"]),
    Rule(
        r"(?<![.-])strips?(?!\(| (?:the|white|lead|trail)\w*)", "panel, NR columns",
        ["a strip of columns"], ["text.strip()", "strip whitespace"]),
    Rule(r"heights?", "MR rows", ["a group of that height"], ["heightened"]),
    Rule(r"ahead(?! of)", "prefetch cursor, prefetch; in advance", ["fetched ahead"], ["ahead of time"]),
    Rule(
        r"plain,? (?:and|or) transposed|(?:plain|transposed) (?:left )?factor",
        "row-major, column-major, with row and column stride", ["a plain left factor"], ["plain text"]),
    Rule(
        r"generations|generation (?:of (?:all |the )*(?:hidden|states?)|that)|a generation(?! of text)",
        "front and back buffer", ["a generation of hidden states", "two generations"], ["text generation"]),
    Rule(
        r"turn of (?:the|states|buffers)|a turn (?:takes|costs)|turns? of the (?:innermost )?loop|depths a turn",
        "swap (of buffers), iteration (of a loop)", ["a turn of the loop"], ["turn a text into a model"]),
    Rule(
        r"(?:not|no longer) a number(?! of)|no number(?! of)", "NaN",
        ["what is not a number", "what is no number"], ["no number of threads"]),
    Rule(
        r"asked for,? to be|(?:is|are) asked for the|asks? for (?:one|the) (?:panel|rows?|lines?|cache)",
        "prefetch hint", ["the processor is asked for the line"], ["as the options asked for it"]),
    Rule(r"of no account", "ignored", ["of no account when 0"], ["on account of"]),
    Rule(
        r"words (?:for|behind|of) (?:the |an? )?(?:last )?(?:failure|error)|(?:error|library)['’]s words|has the words"
        r"|with its words|the words belong",
        "error message", ["the words for the last failure", "an error's words"], ["the words of a text"]),
    Rule(
        r"what (?:a|the|each|this) call (?:came|comes) to", "result code", ["what a call came to"],
        ["what a call returns"]),
    Rule(
        r"for ever|writes on", "never ends, continues; valid until the process ends",
        ["writes on for ever"], ["forever", "writes one"]),
    Rule(r"wild(?:er)?", "flattens the distribution", ["the text grows wilder"], ["wildcard"]),
    Rule(r"(?:is|are) made of", "consists of", ["what an update's time is made of"], ["is made for"]),
    Rule(r"\w+['’]s business", "say what it does or who checks it", ["nobody's business"], ["a business"]),
    Rule(r"it seems|seems to|presumably", "what is known, without hedging", ["it seems slow"], ["seemingly"]),
]

# What must not occur in names in Swift and C headers. A name's words stand apart here: "max row count".
NAMES = [
    Rule(r"teams?", "pool", ["TeamWork"], ["steam"]),
    Rule(r"members?", "worker", ["memberCount"], ["memberwise"]),
    Rule(
        r"parts? (?:size|rows|starts)|(?:gradient|layer|packing|start|block|take|has|for) parts?", "chunk",
        ["partSize", "takeParts"], ["fractionalPart", "partial"]),
    Rule(r"shares|share stride", "chunks", ["shareStride"], ["shared", "share"]),
    Rule(r"looks?(?! up)", "spin, poll", ["looksBeforeSleep"], ["lookUp", "lookup"]),
    Rule(
        r"(?:initial|input|hidden|begin|tile|step|gate) sums?|sums? (?:count|stride|block|columns|rows)",
        "preactivation", ["sumStride", "firstHiddenSum"], ["lossSum", "sumOfSquares", "checksumLength"]),
    Rule(r"(?:set|part) starts", "bias table", ["setStarts"], ["starts", "startsAt"]),
    Rule(r"depths?", "k, kc", ["depthBlock", "takesFourDepths"], ["depthwise"]),
    Rule(r"strips?", "panel", ["Strip"], ["stripped"]),
    Rule(r"ahead", "prefetch", ["Ahead"], ["head"]),
    Rule(r"(?-i:^Plain$|^Transposed$)", "RowMajor, ColumnMajor", ["Plain", "Transposed"], ["plain", "addTransposed"]),
    Rule(r"generations", "front, back", ["generations"], ["generation"]),
    Rule(r"^turn$", "swap", ["turn"], ["turnOff", "return"]),
]

SPACE = r"(?:[ \t]+|[ \t]*\n[ \t]*)"

# Comments and strings of each language; what is neither is code.
C_LIKE = r"""(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<string>\#".*?"\#|\"\"\".*?\"\"\"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])')"""
PYTHON = r"""(?P<comment>\#[^\n]*|(?:(?<=\n)|^)[ \t]*\"\"\".*?\"\"\")|(?P<string>\"\"\".*?\"\"\"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')"""
SHELL = r"""(?P<comment>(?:(?<=[\s@])|^)\#[^\n]*)|(?P<string>"(?:\\.|[^"\\])*"|'[^'\n]*')"""
MARKER = re.compile(r"^[ \t]*@?(///?|/\*+|\*+/?|#+:?)|\*/$", re.MULTILINE)


def compiled(rule, space):
    return re.compile(rf"(?<!\w)(?:{rule.pattern.replace(' ', space)})(?!\w)", re.IGNORECASE)


PROSE_PATTERNS = [(compiled(rule, SPACE), rule) for rule in PROSE]
NAME_PATTERNS = [(compiled(rule, " "), rule) for rule in NAMES]


def language(path, text):
    """The pattern of a file's comments and strings; "" for Markdown, None for what is not checked."""
    if path.suffix in (".swift", ".c", ".h"):
        return C_LIKE
    if path.suffix == ".py":
        return PYTHON
    if path.suffix == ".sh" or path.name == "Makefile" or text.startswith("#!/bin/sh"):
        return SHELL
    return "" if path.suffix == ".md" else None


def hidden(text):
    """NULs, which match nothing, in place of all characters but line breaks."""
    return re.sub(r"[^\n]", "\0", text)


def views(text, pattern):
    """The text three times, each the same length: its comments alone, its comments and strings, its code."""
    comments, prose, code = [], [], []
    end = 0
    for match in re.finditer(pattern, text, re.DOTALL):
        between, token = text[end : match.start()], match.group()
        is_comment = match.lastgroup == "comment"
        # Indentation before a comment joins its lines; code between two comments parts them.
        gap = "".join(line if line.isspace() else hidden(line) for line in between.splitlines(keepends=True))
        words = MARKER.sub(lambda marker: " " * len(marker.group()), token) if is_comment else token
        comments += [hidden(between), token if is_comment else hidden(token)]
        prose += [gap, words]
        code += [between, hidden(token)]
        end = match.end()
    rest = text[end:]
    return "".join(comments) + hidden(rest), "".join(prose) + hidden(rest), "".join(code) + rest


@functools.cache
def rule_of_name(name):
    """The rule that a name breaks, or None."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_+", " ", name).strip()
    return next((rule for regex, rule in NAME_PATTERNS if regex.search(words)), None)


def check(path, text):
    """The findings of a file, each an offset and a message."""
    pattern = language(path, text)
    if pattern is None:
        return
    if pattern:
        comments, prose, code = views(text, pattern)
    else:
        comments, prose, code = "", text, ""
    if path.name == "CHANGELOG.md":
        # Released versions stay as they were described.
        prose = "## ".join(prose.split("## ")[:2])
    for passage in re.finditer(r"[^\0]+", prose):
        for regex, rule in PROSE_PATTERNS:
            for match in regex.finditer(prose, *passage.span()):
                yield match.start(), f"\"{' '.join(match.group().split())}\": write instead: {rule.instead}"
    if path.suffix in (".swift", ".h"):
        for match in re.finditer(r"[A-Za-z_]\w*", code):
            if rule := rule_of_name(match.group()):
                yield match.start(), f"the name {match.group()}: write instead: {rule.instead}"
    for line in re.finditer(r"[^\n]+", text):
        first = line.start() + len(line.group()) - len(line.group().lstrip(" \t@"))
        if len(line.group()) > COLUMNS and comments[first : first + 1].strip("\0"):
            yield line.start() + COLUMNS, f"a comment line of {len(line.group())} columns, more than {COLUMNS}"


def tracked_files():
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    names = [name for name in listing.decode("utf-8").split("\0") if name and not name.startswith(EXCLUDED)]
    return [ROOT / name for name in names if (ROOT / name).is_file() and not (ROOT / name).is_symlink()]


def main(arguments):
    count = 0
    for path in map(pathlib.Path, arguments) if arguments else tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for offset, message in sorted(check(path, text)):
            line, column = text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
            name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
            print(f"{name}:{line}:{column}: {message}")
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
