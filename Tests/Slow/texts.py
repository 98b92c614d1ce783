"""Many generated texts: nothing of a stop string is given out, each text matches its pattern, by
another program's judgement, a template is kept, and every piece is UTF-8.

    texts.py [COUNT [SEED]]

COUNT texts of each kind (100,000). PYTHONPATH must have the package and Tests/LibraryTests.
"""

from __future__ import annotations

import ctypes
import random
import re
import sys
import time

from chargen import EndReason, Model, Pattern, Session
from chargen._library import _library
from random_model import random_model

# Letters and digits, Chinese, Arabic, emoji with joiners and skin tones, combining marks.
CHARACTERS = "abcdefgh 0123456789-./\n中文字模型العربية👩👨💻🏽\u200d\ufe0fe\u0301\u0308\u0323"
EXPRESSIONS = [
    r"[a-h]{2,6}( [a-h]+)*\.", r".*中.*", r"(👩|👨)(🏽)?\u200d💻", r"[^a-h]*", r"a|ab|abc|b*c?", r"(?:a|b|)(h{3}){0,4}",
    r"(19|20)[0-9]{2}-(0[1-9]|1[0-2])-[0-3][0-9]", r"[العربية]{1,9}", r"(e[\u0301\u0308\u0323]{0,3}){1,4}", r"\w+( \w+)?",
]  # fmt: skip


def models() -> list[Model]:
    return [
        Model.from_bytes(random_model(cell, hidden_size=16, characters="".join(sorted(set(CHARACTERS))), ends=ends))
        for cell, ends in (("gru", True), ("lstm", False))
    ]


def stop_strings(count: int, choose: random.Random) -> None:
    """Against the text of a session without stop strings."""
    model = models()[1]
    letters = model.characters
    stops = 0
    for index in range(count):
        if index % 1000 == 0:
            common = choose.choices(letters, k=3)
        plain = Session(model, seed=index)
        expected = plain.generate(40)
        strings = ["".join(choose.choices(common, k=choose.randint(1, 4))) for _ in range(choose.randint(1, 3))]
        # Often one that occurs, so that there is something to stop at.
        place = choose.randrange(35)
        strings.append(expected[place : place + choose.randint(1, 5)])
        session = Session(model, seed=index)
        session.stop_strings = strings
        found = min((expected.find(s) + len(s), expected.find(s)) for s in strings if s in expected)
        end = min(expected.find(s) for s in strings if s in expected and expected.find(s) + len(s) == found[0])
        text = ""
        while True:
            text += session.generate(choose.randint(1, 9))
            assert expected[:end].startswith(text), (index, strings, expected, text)
            if session.end_reason != EndReason.LIMIT:
                break
        assert text == expected[:end] and session.end_reason == EndReason.STOP_STRING, (index, strings, expected, text)
        assert session.stopped_at is not None and expected.startswith(text + session.stopped_at)
        stops += 1
    assert stops == count


def patterns(count: int, _: random.Random) -> None:
    for model in models():
        session = Session(model)
        for expression in EXPRESSIONS:
            session.max_length = 0
            # The two write a character's number in different ways.
            session.pattern = Pattern(model, re.sub(r"\\u([0-9a-f]{4})", r"\\u{\1}", expression))
            session.max_length = 30
            compiled = re.compile(expression, re.ASCII)
            for _ in range(count // (2 * len(EXPRESSIONS))):
                text = session.generate()
                assert compiled.fullmatch(text) and len(text) <= 30, (expression, text)


def templates(count: int, choose: random.Random) -> None:
    model = models()[0]
    letters = model.characters.replace("\n", "")
    session = Session(model)
    for index in range(count // 10):
        text = "".join(choose.choices(letters, k=choose.randint(1, 10)))
        free = choose.choice(text)
        choices = "".join(set(choose.choices(letters, k=5))) if index % 2 else ""
        session.pattern = Pattern.template(model, text, free, choices)
        for _ in range(10):
            result = session.generate()
            assert len(result) == len(text), (text, free, result)
            for character, wanted in zip(result, text):
                assert character in (choices or letters) if wanted == free else character == wanted, (text, result)


def pieces(count: int, choose: random.Random) -> None:
    """Buffers of any size, down to one character."""
    model = models()[1]
    length = ctypes.c_size_t()
    session, whole = Session(model, seed=7), Session(model, seed=7)
    for _ in range(count):
        capacity = choose.randint(4, 30)
        buffer = ctypes.create_string_buffer(capacity)
        session._do(_library.chargen_session_generate, choose.randint(1, 9), buffer, capacity, ctypes.byref(length))
        text = buffer.raw[: length.value].decode("utf-8")
        assert text == whole.generate(len(text))


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    choose = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    for check in (stop_strings, patterns, templates, pieces):
        start = time.monotonic()
        check(count, choose)
        print(f"ok: {count} texts: {check.__name__.replace('_', ' ')} ({time.monotonic() - start:.0f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
