"""Tests of prose.py: each rule finds its own examples, and planted words and lines are found where they are."""

import pathlib
import unittest

import prose


def findings(name, text):
    """What is found in a file of this name and text: (line, column, the quoted words or the whole message)."""
    result = []
    for offset, message in sorted(prose.check(pathlib.Path(name), text)):
        line = text.count("\n", 0, offset) + 1
        column = offset - text.rfind("\n", 0, offset)
        result.append((line, column, message.split('"')[1] if message.startswith('"') else message))
    return result


class Rules(unittest.TestCase):
    def test_prose(self):
        for regex, rule in prose.PROSE_PATTERNS:
            for phrase in rule.found:
                self.assertTrue(regex.search(phrase), f"{rule.instead}: {phrase!r} is not found")
            for phrase in rule.passed:
                self.assertFalse(regex.search(phrase), f"{rule.instead}: {phrase!r} is found")

    def test_names(self):
        for _, rule in prose.NAME_PATTERNS:
            for name in rule.found:
                self.assertEqual(prose.rule_of_name(name), rule, name)
            for name in rule.passed:
                self.assertNotEqual(prose.rule_of_name(name), rule, name)


class Words(unittest.TestCase):
    def test_every_language(self):
        planted = {
            "a.swift": "let a = 1 // a team\n",
            "a.c": "int a; /* one\n * team */\n",
            "a.py": 'def f():\n    """One team."""\n',
            "a.sh": "true # a team\n",
            "Makefile": "all:\n\t@# a team\n",
            "a.md": "A\n`team`.\n",
        }
        for name, text in planted.items():
            self.assertEqual([words for _, _, words in findings(name, text)], ["team"], name)

    def test_place(self):
        self.assertEqual(findings("a.swift", "\nlet a = 1  // the team\n"), [(2, 19, "team")])

    def test_a_phrase_over_two_lines(self):
        self.assertEqual(findings("a.swift", "    /// This is not a\n    /// number.\n"), [(1, 17, "not a number")])
        self.assertEqual(findings("a.c", "/* This is not a\n * number. */\n"), [(1, 12, "not a number")])
        self.assertEqual(findings("a.md", "This is not a\nnumber.\n"), [(1, 9, "not a number")])

    def test_no_phrase_over_code_or_paragraphs(self):
        self.assertEqual(findings("a.swift", "f()  // not a\ng()  // number\n"), [])
        self.assertEqual(findings("a.swift", "/// This is not a\n///\n/// number.\n"), [])
        self.assertEqual(findings("a.md", "This is not a\n\nnumber.\n"), [])

    def test_messages(self):
        self.assertEqual(findings("a.swift", 'throw Error("the team")\n'), [(1, 18, "team")])

    def test_code_is_no_prose(self):
        self.assertEqual(findings("a.py", "depth = text.strip(team)\n"), [])

    def test_names(self):
        message = "the name TeamWork: write instead: pool"
        self.assertEqual(findings("a.swift", "let a = TeamWork()\n"), [(1, 9, message)])

    def test_released_changes_are_left(self):
        text = "# Changes\n\n## Unreleased\n\n- a team\n\n## 0.1.0\n\n- a team\n"
        self.assertEqual(findings("CHANGELOG.md", text), [(5, 5, "team")])


class Lines(unittest.TestCase):
    def test_long_comments(self):
        long = "x" * 100
        for name, text in {
            "a.swift": f"/// {long}\n",
            "a.h": f"/*\n * {long}\n */\n",
            "a.py": f'"""One.\n\n{long}x\n"""\n',
            "a.sh": f"  # {long}\n",
            "Makefile": f"all:\n\t@# {long}\n",
        }.items():
            found = findings(name, text)
            self.assertEqual([column for _, column, _ in found], [101], name)
            self.assertIn("columns, more than 100", found[0][2])

    def test_what_may_be_long(self):
        long = "x" * 100
        for name, text in {
            "a.swift": f"// {'x' * 97}\nlet a = {long}  // code and a comment\n",
            "a.c": f'const char *a = "{long}"; /* a */\n',
            "a.py": f'a = "{long}"  # a\n',
            "a.md": f"| {long} |\n",
        }.items():
            self.assertEqual(findings(name, text), [], name)


if __name__ == "__main__":
    unittest.main()
