"""Tests of the library through the package in examples/python, which PYTHONPATH must include."""

from __future__ import annotations

import array
import copy
import gc
import itertools
import json
import math
import mmap
import os
import pathlib
import pickle
import random
import re
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zlib
from typing import Any

import chargen
from chargen import Batch, Beam, EndReason, Error, Model, Pattern, Session, Status
from random_model import CHARACTERS, LABELS, WEIGHTS, random_model

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Models with an end-of-document symbol, and one without.
MODELS = {cell: random_model(cell) for cell in ("rnn", "gru", "lstm")}
ENDLESS = random_model("gru", ends=False)
ENDLESS_MODEL = Model.from_bytes(ENDLESS)


def symbols(session: Session, count: int) -> str:
    """The next symbols, the end of a document as a pilcrow."""
    text = ""
    while len(text) < count:
        text += "".join(itertools.islice(session, count - len(text)))
        if len(text) < count:
            text += "¶"
    return text


class LabelTests(unittest.TestCase):
    """Documents that begin from states of labels."""

    MODEL = Model.from_bytes(random_model("gru", labels=LABELS))

    def test_a_model_tells_its_labels(self) -> None:
        self.assertEqual(self.MODEL.labels, dict(LABELS))
        self.assertEqual(Model.from_bytes(MODELS["gru"]).labels, {})

    def test_a_label_decides_the_text_of_each_document(self) -> None:
        def text(*choices: Any) -> str:
            session = Session(self.MODEL, seed=3)
            for choice in choices:
                session.set_label(*choice)
            return symbols(session, 60)

        texts = [text(), text(("a",)), text(("é",)), text(("long", "kind")), text(("a",), ("long", "kind"))]
        self.assertEqual(len(set(texts)), len(texts))
        self.assertEqual(text(("a",), (None,)), texts[0])
        self.assertEqual(text(({"a": 3},)), texts[1])
        self.assertNotIn(text(({"a": 0.5, "é": 0.5},)), texts)

    def test_a_state_of_ones_own(self) -> None:
        for model in (self.MODEL, Model.from_bytes(MODELS["gru"])):
            session = Session(model, seed=3)
            expected = symbols(session, 20)
            session.set_initial_state([0.25] * len(session.state))
            session.reset()
            self.assertNotEqual(symbols(session, 20), expected)
            session.set_initial_state(None)
            session.reset()
            self.assertEqual(symbols(session, 20), expected)
            with self.assertRaises(Error):
                session.set_initial_state([2.0] * len(session.state))

    def test_the_label_of_a_text(self) -> None:
        session = Session(self.MODEL)
        for column, labels in LABELS:
            scores = []
            for label in labels:
                other = Session(self.MODEL)
                other.set_label(label, column)
                scores.append(math.exp(other.score("abc", end=True)[0]))
            result = session.classify("abc", column)
            self.assertEqual(list(result), labels)
            for probability, score in zip(result.values(), scores):
                self.assertAlmostEqual(probability, score / sum(scores), 5)
            prefixes = session.classify_prefixes("abc", column)
            self.assertEqual(prefixes[-1], session.classify("abc", column, whole=False))
            self.assertEqual(len(prefixes), 3)
        self.assertEqual(session.classify_prefixes(""), [])

    def test_what_is_no_label_is_refused(self) -> None:
        session = Session(self.MODEL)
        for choice in (("x",), ("a", "kind"), ("a", "x"), ({"x": 1},)):
            with self.assertRaises(ValueError):
                session.set_label(*choice)
        for weights in ({"a": 0}, {"a": math.nan}, {"a": -1, "b": 2}, {}):
            with self.assertRaises(Error):
                session.set_label(weights)
        with self.assertRaises(ValueError):
            Session(Model.from_bytes(MODELS["gru"])).classify("abc")


class ConformanceTests(unittest.TestCase):
    """The texts of Tests/InferenceEngineTests/ConformanceTests.swift."""

    CASES = [
        ("rnn", 42, 0.5, "hello ", "jko中b中szoz 中lzbmzbkékzkz.kzbzzbzm中ozbzjkmkkkmmboz中kzkbob中z中k"),
        ("rnn", 0, 0, "été", "kb中bkb.z中kboz bm中mkb中zjzézbjbzobzo中kzbzokzkmzbo中bzbkzkkékz中k"),
        ("gru", 0, 1, "", "😀pa¶amdyp😀p😀pp😀pl😀a😀😀v😀m😀paap😀😀caa😀paapapaaa😀😀nppa😀😀aa😀pa😀😀t"),
        ("lstm", 0, 1, "", "😀j.¶alcvd😀nvprvonvdzét中izqndt中中d, xlddnkpa aw中dlncééc vrcv¶t"),
        ("lstm", 42, 0.5, "hello ", "tccncvnvntnppptddndt中cotcdvvvrtvu¶vlcntcncdvtncdp¶nllnavttéa"),
        ("lstm", 2**64 - 1, 2, "😀", "中😀dmvy😀fv  y zdtkccmltndcrzmv cél😀qj.eelwv,vlbnzxwcxvamgkdxk"),
    ]

    def tearDown(self) -> None:
        os.environ.pop("CHARGEN_BACKEND", None)

    def test_every_backend_gives_the_texts_on_record(self) -> None:
        for backend in ("portable", "avx2", "avx512", "dotprod"):
            os.environ["CHARGEN_BACKEND"] = backend
            for cell, seed, temperature, prompt, expected in self.CASES:
                with self.subTest(backend=backend, cell=cell, seed=seed):
                    try:
                        model = Model.from_bytes(random_model(cell, carries=True))
                    except Error as error:
                        self.assertEqual(error.status, Status.UNSUPPORTED_BACKEND)
                        self.assertNotEqual(backend, "portable")
                        continue
                    self.assertEqual(model.backend, backend)
                    session = Session(model, seed=seed, temperature=temperature)
                    session.feed(prompt)
                    self.assertEqual(symbols(session, 60), expected)

    def test_an_unknown_backend_is_refused(self) -> None:
        os.environ["CHARGEN_BACKEND"] = "abacus"
        with self.assertRaisesRegex(Error, "portable") as caught:
            Model.from_bytes(ENDLESS)
        self.assertEqual(caught.exception.status, Status.UNSUPPORTED_BACKEND)


class ModelTests(unittest.TestCase):
    def test_a_file_and_its_bytes_are_the_same_model(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "é.cgw"
            path.write_bytes(MODELS["lstm"])
            models = [Model(path), Model(str(path)), Model.from_bytes(MODELS["lstm"])]
            with open(path, "rb", buffering=0) as file:
                models.append(Model.from_descriptor(file.fileno()))
            with self.assertRaisesRegex(TypeError, "descriptor"):
                pickle.dumps(models[-1])
        texts = {symbols(Session(model), 100) for model in models}
        self.assertEqual(len(texts), 1)

    def test_the_questions_have_the_files_answers(self) -> None:
        model = Model.from_bytes(MODELS["lstm"])
        self.assertEqual((model.cell, model.layers, model.hidden_size), ("lstm", 2, 40))
        symbol_count = len(CHARACTERS) + 1
        self.assertEqual(model.parameters, 160 * (symbol_count + 40 + 2) + 160 * (40 + 40 + 2) + symbol_count * 41)
        self.assertEqual(model.characters, "".join(sorted(CHARACTERS)))
        self.assertEqual(model.provenance, '{"chargen":"test"}')
        self.assertTrue(model.has_end_of_document)
        self.assertFalse(Model.from_bytes(ENDLESS).has_end_of_document)
        self.assertFalse(model.has_unknown)
        self.assertTrue("é" in model)
        self.assertFalse("É" in model)

    def test_the_type_of_the_weights_is_the_files(self) -> None:
        for weights in WEIGHTS:
            self.assertEqual(Model.from_bytes(random_model("gru", weights=weights)).weights, weights)

    def test_a_provenance_may_be_long_and_hold_any_character(self) -> None:
        provenance = "\0é😀" * 10000
        self.assertEqual(Model.from_bytes(random_model("rnn", provenance=provenance)).provenance, provenance)

    def test_the_self_test_is_run(self) -> None:
        model = Model.from_bytes(MODELS["lstm"])
        self.assertFalse(model.verify())
        session = Session(model, seed=5, temperature=0.8)
        session.feed("é中")
        codes = [0xFFFFFFFF if character == "¶" else ord(character) for character in symbols(session, 100)]
        test = {
            "prompt": "é中", "seed": 5, "temperature": 0.8, "length": 100,
            "crc32": f"{zlib.crc32(struct.pack('<100I', *codes)):08x}",
        }
        for ascii_only in (False, True):
            provenance = json.dumps({"chargen": "test", "selfTest": test}, ensure_ascii=ascii_only)
            self.assertTrue(Model.from_bytes(random_model("lstm", provenance=provenance)).verify())
        test["seed"] = 6
        with self.assertRaisesRegex(Error, "the self-test fails") as caught:
            Model.from_bytes(random_model("lstm", provenance=json.dumps({"selfTest": test}))).verify()
        self.assertEqual(caught.exception.status, Status.INVALID_MODEL)

    def test_the_nearest_character_is_known_or_none(self) -> None:
        model = Model.from_bytes(MODELS["lstm"])
        self.assertEqual([model.nearest(character) for character in "aAÀÉｂ…§"], list("aaaéb.") + [None])

    def test_a_missing_file_is_named(self) -> None:
        with self.assertRaisesRegex(Error, "/no/such.cgw.*No such file") as caught:
            Model("/no/such.cgw")
        self.assertEqual(caught.exception.status, Status.FILE_ACCESS)
        with self.assertRaises(ValueError):
            Model("a\0b")

    def test_a_descriptor_that_cannot_be_read_is_named(self) -> None:
        for descriptor in (-1, 2**32):
            with self.assertRaisesRegex(Error, "descriptor -1: Bad file descriptor") as caught:
                Model.from_descriptor(descriptor)
            self.assertEqual(caught.exception.status, Status.FILE_ACCESS)

    def test_bytes_that_are_no_model_are_refused(self) -> None:
        for data in (b"", b"\x89CGW", MODELS["gru"][:-1], MODELS["gru"] + b"\0"):
            with self.assertRaises(Error) as caught:
                Model.from_bytes(data)
            self.assertEqual(caught.exception.status, Status.INVALID_MODEL)

    def test_each_document_begins_as_the_first_unless_the_model_carries_its_state(self) -> None:
        for carries in (False, True):
            model = Model.from_bytes(random_model("gru", characters="abc", carries=carries))
            session = Session(model, seed=5)
            session.generate(100_000)
            self.assertTrue(session.ended)
            self.assertEqual(session.score("abcab") == Session(model).score("abcab"), not carries)

    def test_sessions_outlive_their_model(self) -> None:
        expected = symbols(Session(Model.from_bytes(MODELS["gru"])), 50)
        with Model.from_bytes(MODELS["gru"]) as model:
            session = Session(model)
        gc.collect()
        self.assertEqual(symbols(session, 50), expected)

    def test_after_closing_calls_fail_and_closing_again_does_nothing(self) -> None:
        model = Model.from_bytes(MODELS["gru"])
        session = Session(model)
        for owner in (session, model, session, model):
            owner.close()
        for call in (lambda: Session(model), lambda: model.layers, lambda: next(iter(session)), lambda: session.ended):
            with self.assertRaisesRegex(ValueError, "is closed"):
                call()


class SessionTests(unittest.TestCase):
    def setUp(self) -> None:
        self.model = Model.from_bytes(MODELS["lstm"])
        self.endless = Model.from_bytes(ENDLESS)

    def test_a_copy_goes_on_as_its_session_does(self) -> None:
        for duplicate in (Session.copy, copy.copy, copy.deepcopy):
            session = Session(self.model, temperature=0.75, seed=7, skip_unknown=True, threads=2)
            session.penalties = (1, 0.5, 20)
            session.pattern = Pattern(self.model, "[a-m]{50,}")
            session.generate(30)
            other = duplicate(session)
            self.assertEqual((other.temperature, other.seed, other.skip_unknown, other.threads), (0.75, 7, True, 1))
            self.assertIs(other.pattern, session.pattern)
            expected = symbols(session, 200)
            session.close()
            del session
            gc.collect()
            self.assertEqual(symbols(other, 200), expected)
            other.close()
            with self.assertRaises(ValueError):
                duplicate(other)

    def test_a_state_can_be_read_and_set(self) -> None:
        session = Session(self.model)
        session.feed("abc")
        other = Session(self.model)
        other.state = session.state
        self.assertEqual(symbols(other, 50), symbols(session, 50))
        for state in ([], [2.0] * len(session.state), [math.nan] * len(session.state)):
            with self.assertRaises(Error):
                other.state = state
        self.assertEqual(symbols(other, 50), symbols(session, 50))

    def test_no_handle_has_two_owners(self) -> None:
        for owner in (Batch(self.model, 2), Beam(self.model, 2, 2)):
            for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
                with self.assertRaises(TypeError):
                    duplicate(owner)
        for owner in (self.model, Pattern(self.model, "a")):
            for duplicate in (copy.copy, copy.deepcopy, lambda owner: pickle.loads(pickle.dumps(owner))):
                other = duplicate(owner)
                owner_handle, other_handle = owner._handle(), other._handle()
                self.assertNotEqual(owner_handle.value, other_handle.value)

    def test_what_is_unpickled_goes_on(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "model.cgw"
            path.write_bytes(MODELS["lstm"])
            for model in (self.model, Model(path)):
                for pattern in (None, Pattern(model, "[a-m]{50,}"), Pattern.template(model, "a_b", choices="xyz")):
                    session = Session(model, temperature=0.75, seed=7, skip_unknown=True)
                    session.pattern = pattern
                    session.stop_strings = ["ab", "c"]
                    session.feed("abc")
                    other = pickle.loads(pickle.dumps(session))
                    self.assertEqual((other.pattern is None, other.stop_strings), (pattern is None, ["ab", "c"]))
                    for _ in range(10):
                        self.assertEqual(symbols(other, 20), symbols(session, 20))
                        self.assertEqual(other.stopped_at, session.stopped_at)
                    self.assertEqual(other.snapshot(), session.snapshot())
        with self.assertRaises(Error) as caught:
            Session.restore(Model.from_bytes(MODELS["gru"]), session.snapshot())
        self.assertEqual(caught.exception.status, Status.INVALID_SNAPSHOT)

    def test_characters_can_be_undone(self) -> None:
        session = Session(self.endless)
        session.set_undo(10)
        text = session.generate(10)
        session.feed("abc")
        session.undo(3)
        session.undo()
        self.assertEqual(session.undo_count, 6)
        self.assertEqual(text[:9] + session.generate(20), Session(self.endless).generate(29))
        with self.assertRaises(Error):
            session.undo(11)

    def test_sessions_can_share_memory(self) -> None:
        first = Session(self.model)
        sessions = [first, *(first.create_sharing() for _ in range(5))]
        own, shared = sessions[1].size
        self.assertLess(own, shared)
        expected = symbols(Session(self.model), 60)
        texts = [""] * 6
        for _ in range(60):
            for index, session in enumerate(sessions):
                texts[index] += symbols(session, 1)
        self.assertEqual(texts, [expected] * 6)

    def test_iterating_generating_and_streaming_give_the_same_text(self) -> None:
        iterated = "".join(itertools.islice(Session(self.endless), 10_000))
        self.assertEqual(len(iterated), 10_000)
        self.assertEqual(Session(self.endless).generate(10_000), iterated)
        streamed: list[str] = []
        Session(self.endless).stream(streamed.append, 10_000)
        self.assertEqual("".join(streamed), iterated)

    def test_all_three_end_with_the_document_and_begin_another(self) -> None:
        one, two, three = (Session(self.model) for _ in range(3))
        for _ in range(50):
            iterated = "".join(one)
            self.assertTrue(one.ended)
            self.assertEqual(two.generate(), iterated)
            streamed: list[str] = []
            three.stream(streamed.append)
            self.assertEqual("".join(streamed), iterated)

    def test_a_limit_is_kept(self) -> None:
        for limit in (0, 1, 5, 2**70):
            self.assertLessEqual(len(Session(self.model).generate(limit)), limit)
        with self.assertRaises(ValueError):
            Session(self.model).generate(-1)

    def test_text_without_an_end_needs_a_limit(self) -> None:
        with self.assertRaisesRegex(ValueError, "never ends"):
            Session(self.endless).generate()
        with self.assertRaisesRegex(ValueError, "never ends"):
            Session(self.endless).stream(print)

    def test_a_callback_stops_the_stream(self) -> None:
        received: list[str] = []

        def receive(character: str) -> bool:
            received.append(character)
            return len(received) == 3

        Session(self.endless).stream(receive, 100)
        self.assertEqual("".join(received), Session(self.endless).generate(3))

    def test_an_exception_in_a_callback_comes_out(self) -> None:
        def receive(_: str) -> None:
            raise KeyError("from the callback")

        session = Session(self.endless)
        with self.assertRaisesRegex(KeyError, "from the callback"):
            session.stream(receive, 100)
        self.assertEqual(session.generate(5), Session(self.endless).generate(6)[1:])

    def test_settings_and_reset(self) -> None:
        session = Session(self.endless, temperature=0.7, seed=2**64 - 1)
        text = session.generate(100)
        session.reset()
        self.assertEqual(session.generate(100), text)
        session.reset()
        session.seed = 3
        self.assertNotEqual(session.generate(100), text)
        session.temperature = 0
        self.assertEqual((session.temperature, session.seed), (0, 3))

    def test_bad_settings_are_refused_and_change_nothing(self) -> None:
        session = Session(self.model)
        for temperature in (-1.0, float("nan"), float("inf"), 1e-9):
            with self.assertRaisesRegex(Error, "temperature"):
                session.temperature = temperature
        for seed in (-1, 2**64):
            with self.assertRaises(ValueError):
                session.seed = seed
        self.assertEqual((session.temperature, session.seed), (1, 0))

    def test_unknown_characters_are_skipped_replaced_or_read_as_the_nearest(self) -> None:
        for unknown, read in (("skip", "aé"), ("z", "aézz"), ("nearest", "aéé.")):
            session, other = Session(self.model), Session(self.model)
            self.assertEqual(session.unknown, "fail")
            session.unknown = unknown
            self.assertEqual((session.unknown, session.copy().unknown, session.skip_unknown), (unknown, unknown, unknown == "skip"))
            session.feed("aéÉ…")
            other.feed(read)
            self.assertEqual(symbols(session, 50), symbols(other, 50))
        for unknown, expected in (("§", Error), ("replace", ValueError), ("", ValueError), ("\ud800", Error)):
            with self.assertRaises(expected):
                session.unknown = unknown
            self.assertEqual(session.unknown, "nearest")

    def test_pieces_may_be_cut_anywhere(self) -> None:
        text = "aé中😀 b".encode("utf-8")
        for size in range(1, 6):
            session, other = Session(self.model), Session(self.model)
            for start in range(0, len(text), size):
                session.feed_piece(memoryview(text)[start : start + size])
            session.feed_piece(b"")
            other.feed(text.decode("utf-8"))
            self.assertEqual(symbols(session, 50), symbols(other, 50))
        session.feed_piece(bytearray(b"\xc3"))
        with self.assertRaisesRegex(Error, "ends within a character") as caught:
            session.feed_piece(b"")
        self.assertEqual(caught.exception.status, Status.INVALID_UTF8)
        with self.assertRaises(TypeError):
            session.feed_piece(5)  # type: ignore[arg-type]

    def test_an_unknown_character_is_named_or_skipped(self) -> None:
        session = Session(self.endless)
        with self.assertRaisesRegex(Error, r"character 2 of the text, 'ß' \(U\+00DF\) at byte 1") as caught:
            session.feed("aß")
        self.assertEqual(caught.exception.status, Status.UNKNOWN_CHARACTER)
        session.skip_unknown = True
        session.feed("aß")
        other = Session(self.endless)
        other.feed("a")
        self.assertEqual(session.generate(20), other.generate(20))

    def test_a_model_with_an_unknown_symbol_reads_any_character_and_generates_known_ones(self) -> None:
        model = Model.from_bytes(random_model("gru", characters="abc", ends=False, unknown=True))
        self.assertTrue(model.has_unknown)
        self.assertFalse("ß" in model)
        session, other = Session(model), Session(model)
        self.assertEqual(session.score("aßb"), other.score("a😀b"))
        self.assertEqual(session.score("")[1] + session.score("ß")[1], 1)
        self.assertEqual(set(session.generate(10_000)), set("abc"))
        other.skip_unknown = True
        self.assertEqual(other.score("ß"), (0.0, 0))

    def test_a_score_is_that_of_the_parts(self) -> None:
        text = "été and all that 😀"
        whole, parts = Session(self.model), Session(self.model)
        log_probability, characters = whole.score(text)
        self.assertEqual(characters, len(text))
        self.assertLess(log_probability, 0)
        total = 0.0
        for character in text:
            score, count = parts.score(character)
            self.assertEqual(count, 1)
            total += score
        self.assertEqual(total, log_probability)
        self.assertEqual(symbols(whole, 50), symbols(parts, 50))
        self.assertEqual(whole.score(""), (0.0, 0))

    def test_the_probabilities_of_what_may_come_next_add_up_to_one(self) -> None:
        total = 0.0
        for character in self.endless.characters:
            session = Session(self.endless)
            session.feed("abc")
            total += math.exp(session.score(character)[0])
        self.assertAlmostEqual(total, 1, places=6)

    def test_the_probabilities_at_once_are_those_of_the_scores(self) -> None:
        session = Session(self.model, temperature=0, seed=3)
        session.feed("abc")
        probabilities = list(session.probabilities())
        self.assertEqual(len(probabilities), len(CHARACTERS) + 1)
        self.assertAlmostEqual(sum(probabilities), 1, places=6)
        for character, probability in zip(self.model.characters, probabilities):
            other = Session(self.model)
            other.feed("abc")
            self.assertAlmostEqual(math.exp(other.score(character)[0]), probability, places=7)
        likeliest = (self.model.characters + "¶")[probabilities.index(max(probabilities))]
        self.assertEqual(symbols(session, 1), likeliest)

    def test_each_way_to_ask_what_comes_next_agrees(self) -> None:
        model = Model.from_bytes(MODELS["lstm"])
        session = Session(model)
        session.feed("the")
        probabilities = list(session.probabilities())
        names: list[str | None] = [*model.characters, None]
        ranking = sorted(range(len(names)), key=lambda i: (-session.logits()[i], i))
        self.assertEqual(session.likeliest(3), [(names[i], probabilities[i]) for i in ranking[:3]])
        self.assertEqual(len(session.likeliest(10**30)), len(names))
        self.assertEqual(session.likeliest(0), [])
        for name, probability, logarithm in zip(names, probabilities, session.log_probabilities()):
            self.assertEqual(session.probability(name), probability)
            self.assertAlmostEqual(session.log_probability(name), logarithm, places=5)
        with self.assertRaisesRegex(Error, "not in the model"):
            session.probability("§")
        with self.assertRaises(ValueError):
            session.likeliest(-1)

    def test_an_end_can_be_fed_and_scored(self) -> None:
        model = Model.from_bytes(MODELS["gru"])
        scored, fed = Session(model), Session(model)
        score, count = scored.score("a name", end=True)
        self.assertEqual(count, 7)
        fed.feed("a name")
        self.assertEqual(Session(model).score("a name")[0] + fed.log_probability(None), score)
        self.assertFalse(fed.ended)
        fed.feed_end()
        self.assertTrue(fed.ended and scored.ended)
        self.assertEqual(list(fed.logits()), list(scored.logits()))
        with Batch(model, 2) as batch:
            sessions = [Session(model), Session(model)]
            self.assertEqual(batch.score(sessions, ["a name", ""], end=True)[0], score)
            self.assertEqual(list(sessions[0].logits()), list(fed.logits()))
        with self.assertRaisesRegex(Error, "where documents end"):
            Session(ENDLESS_MODEL).feed_end()

    def test_the_scores_of_the_characters_add_up(self) -> None:
        model = Model.from_bytes(MODELS["gru"])
        session = Session(model, skip_unknown=True)
        scores = session.score_characters("éa§中")
        self.assertEqual(scores[2], 0)
        self.assertEqual(sum(scores), Session(model, skip_unknown=True).score("éa§中")[0])
        self.assertEqual(session.score_characters(""), [])

    def test_a_beam_finds_continuations_with_their_scores(self) -> None:
        model = Model.from_bytes(MODELS["gru"])
        session = Session(model, seed=3)
        session.feed("éa")
        with Beam(model, width=30, length=4) as beam:
            found = beam.search(session)
            self.assertEqual(len(found), 30)
            self.assertEqual(found, sorted(found, key=lambda text: -text.log_probability))
            for text, log_probability, ended in found:
                other = Session(model)
                other.feed("éa")
                self.assertEqual(other.score(text, end=ended)[0], log_probability)
                self.assertTrue(ended or len(text) == 4)
            first = [None if ended else text for text, _, ended in beam.search(session, 1)]
            self.assertEqual(first, [character for character, _ in session.likeliest(30)])
            with self.assertRaisesRegex(Error, "from 1 to 4"):
                beam.search(session, 5)
        with self.assertRaises(ValueError):
            beam.search(session)
        plain = Session(model, seed=3)
        plain.feed("éa")
        self.assertEqual(symbols(session, 50), symbols(plain, 50))

    def test_a_score_leaves_out_what_is_skipped(self) -> None:
        session = Session(self.model)
        with self.assertRaisesRegex(Error, "'ß'"):
            session.score("aßb")
        session.skip_unknown = True
        self.assertEqual(session.score("aßb"), Session(self.model).score("ab"))

    def test_threads_of_a_session_change_nothing_but_the_speed(self) -> None:
        expected = Session(self.endless).generate(200)
        session = Session(self.endless, threads=3)
        self.assertEqual(session.threads, 3)
        text = session.generate(100)
        session.threads = 2
        self.assertEqual(text + session.generate(100), expected)
        for threads in (0, -1, 65, 2**32 + 1, 2**64 + 1):
            with self.assertRaisesRegex(Error, "threads"):
                session.threads = threads
        self.assertEqual(session.threads, 2)

    def test_threads_share_a_model(self) -> None:
        expected = Session(self.endless).generate(2000)
        texts: list[str] = []
        threads = [
            threading.Thread(target=lambda: texts.append(Session(self.endless).generate(2000))) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(texts, [expected] * 8)


class SettingsTests(unittest.TestCase):
    def test_each_setting_can_be_read_back(self) -> None:
        session = Session(Model.from_bytes(MODELS["lstm"]))
        self.assertEqual((session.top_k, session.top_p, session.min_p, session.penalties), (0, 1, 0, (0, 0, 0)))
        session.top_k, session.top_p, session.min_p = 3, 0.75, 0.25
        session.penalties = (0.5, -2, 100)
        session.set_bias("a", 1.5)
        session.set_bias(None, -math.inf)
        session.set_allowed("abé")
        self.assertEqual((session.top_k, session.top_p, session.min_p), (3, 0.75, 0.25))
        self.assertEqual(session.penalties, (0.5, -2, 100))
        self.assertEqual((session.bias("a"), session.bias(None), session.bias("b")), (1.5, -math.inf, 0))
        self.assertEqual([session.allows(c) for c in ("a", "é", "c", "ß", None)], [True, True, False, False, False])
        self.assertLessEqual(set(session.generate(1000)), set("abé"))

    def test_bad_settings_are_refused(self) -> None:
        session = Session(ENDLESS_MODEL)
        for value in (math.nan, math.inf, -1.0, 2.0):
            with self.assertRaisesRegex(Error, "top-p"):
                session.top_p = value
            with self.assertRaisesRegex(Error, "min-p"):
                session.min_p = value
        with self.assertRaises(ValueError):
            session.top_k = -1
        for penalties in ((math.nan, 0, 1), (0, math.inf, 1), (0, 0, -1), (0, 0, 65537)):
            with self.assertRaises(Error):
                session.penalties = penalties
        with self.assertRaisesRegex(Error, "'ß'"):
            session.set_bias("ß", 1)
        with self.assertRaisesRegex(Error, "where documents end"):
            session.set_bias(None, 1)
        for character in CHARACTERS[1:]:
            session.set_bias(character, -math.inf)
        with self.assertRaisesRegex(Error, "nothing to choose"):
            session.set_bias(CHARACTERS[0], -math.inf)
        self.assertEqual(session.generate(3), 3 * CHARACTERS[0])


class PatternTests(unittest.TestCase):
    EXPRESSIONS = [
        r"[a-m]{2,6}(, [a-m]+)*\.", r".*中.*", r"(é|😀|中){5}", r"\w+( \w+)?", r"[^a-z]*", r"a|ab|abc|b*c?",
        r"(?:x|y|)(z?){3}", r"\s*[b-d,.]{3,}",
    ]  # fmt: skip

    def test_every_text_matches_by_another_program(self) -> None:
        for cell, model in [(cell, Model.from_bytes(data)) for cell, data in MODELS.items()] + [("endless", ENDLESS_MODEL)]:
            session = Session(model)
            for expression in self.EXPRESSIONS:
                session.max_length = 0
                session.pattern = Pattern(model, expression)
                session.max_length = 30
                compiled = re.compile(expression, re.ASCII)
                for _ in range(100):
                    text = session.generate()
                    self.assertTrue(session.ended)
                    self.assertTrue(compiled.fullmatch(text), f"{cell}: {text!r} by {expression!r}")

    def test_a_template_is_kept(self) -> None:
        model = Model.from_bytes(MODELS["gru"])
        session = Session(model)
        session.pattern = Pattern.template(model, "é__b中.", free="_", choices="中a")
        for _ in range(50):
            self.assertRegex(session.generate(), r"\Aé[中a][中a]b中\.\Z")
        self.assertIsInstance(session.pattern, Pattern)
        session.pattern = None
        self.assertTrue(session.may_end)

    def test_faults_are_named(self) -> None:
        with self.assertRaises(Error) as caught:
            Pattern(ENDLESS_MODEL, "ab[c")
        self.assertEqual(caught.exception.status, Status.INVALID_PATTERN)
        self.assertIn("at character 3", str(caught.exception))
        with self.assertRaises(Error):
            Session(ENDLESS_MODEL).pattern = Pattern(Model.from_bytes(MODELS["gru"]), "a")
        with self.assertRaises(ValueError):
            Session(ENDLESS_MODEL).max_length = -1


class EndTests(unittest.TestCase):
    """Stop strings, and why text ends."""

    def test_text_ends_before_the_first_stop_string(self) -> None:
        for cell, data in MODELS.items():
            model = Model.from_bytes(data)
            for seed in range(50):
                plain = symbols(Session(model, seed=seed), 200)
                session = Session(model, seed=seed)
                session.stop_strings = ["ab", "é", "bca"]
                place = 0
                while place < 100:
                    text = session.generate(7)
                    self.assertEqual(text, plain[place : place + len(text)], cell)
                    place += len(text)
                    if session.end_reason == EndReason.STOP_STRING:
                        self.assertEqual(plain[place : place + len(session.stopped_at)], session.stopped_at)
                        place += len(session.stopped_at)
                    elif session.end_reason == EndReason.DOCUMENT:
                        self.assertEqual(plain[place], "¶")
                        place += 1
                    else:
                        self.assertEqual(session.end_reason, EndReason.LIMIT)

    def test_bad_stop_strings_are_refused(self) -> None:
        session = Session(ENDLESS_MODEL)
        session.stop_strings = ["x"]
        with self.assertRaisesRegex(Error, "stop string 1"):
            session.stop_strings = ["a", ""]
        self.assertEqual(session.stop_strings, ["x"])
        self.assertNotIn("x", session.generate(1000))
        self.assertEqual((session.held, session.stopped_at), (0, "x"))


class SpecificationTests(unittest.TestCase):
    """The program in docs/sampling.md against the library."""

    def test_it_chooses_the_same_characters_with_any_settings(self) -> None:
        try:
            import numpy
        except ImportError:
            self.skipTest("NumPy is not installed")
        text = (ROOT / "docs" / "sampling.md").read_text(encoding="utf-8")
        program = re.search(r"```python\n(.*?)```", text, re.DOTALL)
        assert program
        names: dict[str, Any] = {}
        exec(program[1], names)
        # All logits are 0, so that they become what the biases are.
        model = Model.from_bytes(random_model("rnn", ends=False, scale=0.0, characters=CHARACTERS))
        for round_number in range(200):
            random_generator = random.Random(round_number)
            logits = [random_generator.choice((0, 1, random_generator.gauss(0, 2))) for _ in model.characters]
            allowed = [c for c in model.characters if random_generator.random() < 0.8] or ["a"]
            temperature = random_generator.choice((0, 0.4, 1, 2.5))
            top_k = random_generator.choice((0, random_generator.randrange(1, 35)))
            top_p = random_generator.choice((1, 0, random_generator.random()))
            min_p = random_generator.choice((0, 1, random_generator.random() / 4))
            penalties = (random_generator.uniform(-1, 2), random_generator.uniform(-0.5, 1), random_generator.randrange(9))
            session = Session(model, seed=round_number, temperature=temperature)
            session.top_k, session.top_p, session.min_p, session.penalties = top_k, top_p, min_p, penalties
            session.set_allowed("".join(allowed))
            for character, logit in zip(model.characters, logits):
                session.set_bias(character, logit)
            excluded = [index for index, c in enumerate(model.characters) if c not in allowed]
            biases = numpy.array(logits, dtype=numpy.float32)
            words = names["random_words"](round_number)
            history: list[int] = []
            for character in session.generate(50):
                window = history[-penalties[2] :] if penalties[2] else []
                changed = names["adjusted"](
                    numpy.zeros_like(biases), excluded, biases, window, penalties[0], penalties[1])
                expected = names["pick"](changed, temperature, words, None, top_k, top_p, min_p)
                self.assertEqual(character, model.characters[expected], round_number)
                history.append(expected)


class BatchTests(unittest.TestCase):
    PROMPTS = ["", "a", "hello été", "😀 中"]

    def setUp(self) -> None:
        self.model = Model.from_bytes(MODELS["lstm"])

    def sessions(self) -> list[Session]:
        return [Session(self.model, seed=seed, temperature=0.5 + seed / 2) for seed in range(len(self.PROMPTS))]

    def test_each_session_gives_the_same_text_as_alone(self) -> None:
        for threads in (1, 2):
            sessions, alone = self.sessions(), self.sessions()
            batch = Batch(self.model, len(sessions), threads)
            batch.feed(sessions, self.PROMPTS)
            steps = [batch.next(sessions) for _ in range(60)]
            for index, session in enumerate(alone):
                session.feed(self.PROMPTS[index])
                text = "".join(step[index] or "¶" for step in steps)
                self.assertEqual(text, symbols(session, 60))

    def test_scores_are_those_taken_alone(self) -> None:
        sessions = self.sessions()
        scores = Batch(self.model, 10).score(sessions, self.PROMPTS)
        self.assertEqual(scores, [Session(self.model).score(prompt)[0] for prompt in self.PROMPTS])

    def test_sessions_leave_when_they_have_ended(self) -> None:
        running = [Session(self.model, seed=seed) for seed in range(100)]
        texts = {session: "" for session in running}
        with Batch(self.model, len(running)) as batch:
            while running:
                for session, character in zip(list(running), batch.next(running)):
                    if character is None:
                        running.remove(session)
                    else:
                        texts[session] += character
        self.assertEqual(list(texts.values()), [Session(self.model, seed=seed).generate() for seed in range(100)])

    def test_what_cannot_take_part_is_refused(self) -> None:
        sessions = self.sessions()
        batch = Batch(self.model, 3)
        stranger = Session(Model.from_bytes(MODELS["lstm"]))
        for members, words in (
            (sessions, "capacity, 3"), ([sessions[0], sessions[0]], "session 1 takes part twice"),
            ([sessions[0], stranger], "session 1 belongs to another model"),
        ):
            texts = ["a"] * len(members)
            for call in (
                lambda: batch.next(members), lambda: batch.feed(members, texts), lambda: batch.score(members, texts),
            ):
                with self.assertRaisesRegex(Error, words) as caught:
                    call()
                self.assertEqual(caught.exception.status, Status.INVALID_ARGUMENT)
        with self.assertRaisesRegex(Error, "session 1: character 2 of the text, 'ß'"):
            batch.feed(sessions[:2], ["fine", "aß"])
        with self.assertRaisesRegex(ValueError, "1 texts for 2 sessions"):
            batch.feed(sessions[:2], ["a"])
        self.assertEqual(symbols(sessions[0], 20), symbols(self.sessions()[0], 20))
        self.assertEqual(batch.next([]), [])

    def test_an_impossible_size_is_refused(self) -> None:
        for capacity, threads in ((0, 1), (-1, 1), (65537, 1), (2**64 + 1, 1), (1, 0), (1, 65), (1, 2**64 + 1)):
            with self.assertRaises(Error) as caught:
                Batch(self.model, capacity, threads)
            self.assertEqual(caught.exception.status, Status.INVALID_ARGUMENT)

    def test_it_outlives_its_model_and_can_be_closed(self) -> None:
        sessions = self.sessions()
        batch = Batch(self.model, 4, threads=2)
        self.model.close()
        batch.next(sessions)
        batch.close()
        batch.close()
        with self.assertRaisesRegex(ValueError, "the Batch is closed"):
            batch.next(sessions)
        sessions[0].close()
        other = Batch(Model.from_bytes(MODELS["lstm"]), 1)
        with self.assertRaisesRegex(ValueError, "the Session is closed"):
            other.next(sessions[:1])


class BindingTests(unittest.TestCase):
    def test_the_module_has_every_function_of_the_header(self) -> None:
        header = (ROOT / "include" / "chargen.h").read_text(encoding="utf-8")
        self.assertEqual(set(chargen._library._FUNCTIONS), set(re.findall(r"\bchargen_\w+(?=\()", header)))

    def test_the_module_has_every_status_of_the_header(self) -> None:
        header = (ROOT / "include" / "chargen.h").read_text(encoding="utf-8")
        statuses = re.search(r"enum \{\s*CHARGEN_OK = 0,(.*?)\};", header, re.DOTALL)
        assert statuses
        declared = re.findall(r"CHARGEN_(\w+) = (\d+)", statuses[1])
        self.assertEqual({status.name: status.value for status in Status}, {name: int(value) for name, value in declared})

    def test_the_version_is_the_headers(self) -> None:
        header = (ROOT / "include" / "chargen.h").read_text(encoding="utf-8")
        numbers = re.findall(r"#define CHARGEN_VERSION_\w+ (\d+)", header)
        suffix = re.search(r'#define CHARGEN_VERSION_SUFFIX "(.*)"', header)
        assert suffix
        self.assertEqual(chargen.version(), ".".join(numbers) + suffix[1])
        major, minor, patch = map(int, numbers)
        self.assertEqual(chargen.version_number(), major * 10000 + minor * 100 + patch)


class TypeTests(unittest.TestCase):
    """Values of wrong types, and of unusual ones."""

    def test_any_buffer_is_a_model(self) -> None:
        data = MODELS["gru"]
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.flush()
            mapped = mmap.mmap(file.fileno(), 0)
            for buffer in (data, bytearray(data), memoryview(data), memoryview(bytearray(data)), mapped,
                           array.array("B", data)):
                self.assertEqual(Model.from_bytes(buffer).cell, "gru")
            mapped.close()
        for wrong in ("text", 3, None, [1, 2]):
            with self.assertRaises(TypeError):
                Model.from_bytes(wrong)
        for wrong in (3.5, None, [1]):
            with self.assertRaises(TypeError):
                Model(wrong)

    def test_wrong_types_are_type_errors(self) -> None:
        session = Session(ENDLESS_MODEL)
        for call in (
            lambda: session.feed(b"abc"), lambda: session.feed(None), lambda: session.score(3),
            lambda: session.set_bias("ab", 1), lambda: session.set_bias("a", "b"), lambda: session.probability(7),
            lambda: session.set_allowed(["a"]), lambda: setattr(session, "temperature", "hot"),
            lambda: setattr(session, "top_k", 1.5), lambda: setattr(session, "threads", None),
            lambda: setattr(session, "stop_strings", [1]), lambda: Pattern(ENDLESS_MODEL, 5),
            lambda: Batch(ENDLESS_MODEL, "2"), lambda: session.undo("1"),
        ):
            with self.assertRaises(TypeError):
                call()
        self.assertFalse(3 in ENDLESS_MODEL or None in ENDLESS_MODEL or "ab" in ENDLESS_MODEL)
        self.assertEqual(session.generate(20), Session(ENDLESS_MODEL).generate(20))

    def test_lone_surrogates_are_no_text(self) -> None:
        session = Session(ENDLESS_MODEL, skip_unknown=True)
        for call in (session.feed, session.score, session.score_characters, session.set_allowed):
            with self.assertRaises(Error) as caught:
                call("a\ud800b")
            self.assertEqual(caught.exception.status, Status.INVALID_UTF8)
        self.assertFalse("\ud800" in ENDLESS_MODEL)
        with self.assertRaises(Error):
            session.probability("\udfff")

    def test_a_batch_takes_any_iterable(self) -> None:
        sessions = [Session(ENDLESS_MODEL, seed=seed) for seed in range(3)]
        with Batch(ENDLESS_MODEL, 3) as batch:
            first = batch.next(session for session in sessions)
            batch.feed((session for session in sessions), iter(["a", "b", "c"]))
            self.assertEqual(len(batch.score(tuple(sessions), ("a" for _ in sessions))), 3)
        self.assertEqual(first, [symbols(Session(ENDLESS_MODEL, seed=seed), 1) for seed in range(3)])


class CompanyTests(unittest.TestCase):
    """Threads, signals and processes."""

    def test_closing_waits_for_calls_of_other_threads(self) -> None:
        for _ in range(20):
            session = Session(ENDLESS_MODEL)
            batch = Batch(ENDLESS_MODEL, 1)
            failures: list[BaseException] = []

            def work() -> None:
                try:
                    while True:
                        session.generate(50)
                        batch.next([session])
                        batch.feed([session], ["abc" * 50])
                        session.copy().close()
                except ValueError:
                    pass
                except BaseException as error:
                    failures.append(error)

            threads = [threading.Thread(target=work) for _ in range(3)]
            for thread in threads:
                thread.start()
            time.sleep(0.002)
            session.close()
            batch.close()
            for thread in threads:
                thread.join()
            self.assertEqual(failures, [])

    def run_python(self, program: str, **arguments: Any) -> subprocess.Popen[bytes]:
        # A background command of a shell ignores SIGINT, and what it starts does too.
        program = (
            "import os, signal, sys, time\nfrom chargen import *\nmodel = Model(sys.argv[1])\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\nsignal.alarm(60)\n" + program)
        return subprocess.Popen(
            [sys.executable, "-c", program, str(self.path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **arguments)

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name) / "model.cgw"
        # Large: a character takes some milliseconds.
        self.path.write_bytes(random_model("gru", hidden_size=600, ends=False))

    def test_an_interrupt_ends_each_long_call(self) -> None:
        calls = {
            "generate": "session.generate(10**9)", "feed": "session.feed(text)", "score": "session.score(text)",
            "score_characters": "session.score_characters(text)", "iterate": "for _ in session: pass",
            "stream": "session.stream(lambda character: None, 10**9)",
            "batch": "Batch(model, 1).feed([session], [text])", "beam": "Beam(model, 1000, 1000).search(session)",
        }
        for name, call in calls.items():
            program = f"""
session = Session(model)
text = "abc" * 10**6
print("ready", flush=True)
try:
    {call}
except KeyboardInterrupt:
    print(time.monotonic(), flush=True)
    session.feed("abc")
    session.generate(5)
    print("goes on", flush=True)
"""
            with self.run_python(program) as process:
                assert process.stdout and process.stderr
                self.assertEqual(process.stdout.readline(), b"ready\n")
                time.sleep(0.3)
                start = time.monotonic()
                process.send_signal(signal.SIGINT)
                heard = process.stdout.readline()
                errors = process.stderr.read()
                self.assertTrue(heard, f"{name}: {errors!r}")
                # A hundredth of a second; on a busy machine more.
                self.assertLess(float(heard) - start, 2, name)
                self.assertEqual((process.stdout.read(), errors), (b"goes on\n", b""), name)

    def test_a_signal_handler_cannot_use_a_session_in_a_call(self) -> None:
        program = """
session = Session(model)
sharing = session.create_sharing()
def handle(*_):
    for call in (session.close, sharing.close, lambda: session.generate(3), lambda: sharing.generate(3)):
        try:
            call()
            print("allowed", flush=True)
        except RuntimeError:
            pass
    print("refused", flush=True)
    raise KeyboardInterrupt
signal.signal(signal.SIGUSR1, handle)
print("ready", flush=True)
try:
    session.feed("abc" * 10**6)
except KeyboardInterrupt:
    pass
try:
    Batch(model, 1).feed([session], ["abc" * 10**6])
except KeyboardInterrupt:
    session.close()
    print("closed")
"""
        with self.run_python(program) as process:
            assert process.stdout
            self.assertEqual(process.stdout.readline(), b"ready\n")
            for _ in range(2):
                time.sleep(0.3)
                process.send_signal(signal.SIGUSR1)
                self.assertEqual(process.stdout.readline(), b"refused\n")
            self.assertEqual(process.stdout.read(), b"closed\n")

    def test_a_forked_process_can_use_what_has_no_threads(self) -> None:
        program = """
import threading
plain, threaded, batch = Session(model), Session(model, threads=2), Batch(model, 2, threads=2)
def hold():
    while True:
        plain.feed("abc")
threading.Thread(target=hold, daemon=True).start()
time.sleep(0.05)
child = os.fork()
if child == 0:
    other = Session(model, seed=1)
    assert other.generate(3) == Session(model, seed=1).generate(3)
    plain.generate(3)
    for call in (lambda: threaded.generate(1), lambda: batch.next([other])):
        try:
            call()
            os._exit(1)
        except RuntimeError as error:
            assert "forked" in str(error)
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
threaded.generate(1)
os._exit(0)
"""
        with self.run_python(program) as process:
            assert process.stdout and process.stderr
            self.assertEqual((process.stdout.read(), process.stderr.read()), (b"7\n", b""))


class NamesTests(unittest.TestCase):
    def run_names(self, model: bytes, *arguments: str) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "model.cgw"
            path.write_bytes(model)
            (pathlib.Path(folder) / "names.txt").write_text(
                Session(Model.from_bytes(model), seed=1).generate(1000) + "\n", encoding="utf-8")
            return subprocess.run(
                [sys.executable, ROOT / "examples/python/names.py", path, *arguments],
                cwd=folder, capture_output=True, text=True, check=False)

    def test_it_prints_names_and_counts_the_new_ones(self) -> None:
        result = self.run_names(MODELS["lstm"], "--count", "3", "--list", "names.txt")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        lines = result.stdout.split("\n")
        self.assertEqual(lines[3], "2 of 3 names are new: they are not in names.txt")

    def test_it_refuses_a_model_without_documents(self) -> None:
        result = self.run_names(ENDLESS)
        self.assertEqual(result.returncode, 1)
        self.assertIn("has not learned where names end", result.stderr)

    def test_a_missing_list_is_named(self) -> None:
        result = self.run_names(MODELS["lstm"], "--list", "nothing.txt")
        self.assertEqual(result.returncode, 1)
        self.assertIn("nothing.txt", result.stderr)


if __name__ == "__main__":
    unittest.main()
