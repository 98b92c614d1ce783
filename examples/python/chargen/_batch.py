"""Batches: many sessions that go through the network together."""

from __future__ import annotations

import ctypes
from typing import Any, Iterable, Sequence

from ._library import _HANDLE, _character, _library, _size, _texts
from ._model import Model
from ._owner import _in_use, _Interruptible
from ._session import Session


class Batch(_Interruptible):
    """Advances many sessions of one model with one pass over its weights.

    A batch owns no session. Each call lists different sessions, and another call may list others. A
    session gives the same text as it would alone.

        running = [Session(model, seed=seed) for seed in range(100)]
        texts = {session: "" for session in running}
        with Batch(model, len(running)) as batch:
            while running:
                for session, character in zip(list(running), batch.next(running)):
                    if character is None:
                        running.remove(session)
                    else:
                        texts[session] += character
    """

    def __init__(self, model: Model, capacity: int, threads: int = 1) -> None:
        """Makes room for `capacity` sessions in a call, 1 to 65536, on 1 to 64 threads."""
        handle = _HANDLE()
        model._do(_library.chargen_batch_create, _size(capacity), _size(threads), ctypes.byref(handle))
        super().__init__(handle, _library.chargen_batch_free, _library.chargen_batch_set_interrupt, model.parameters)
        self._has_threads = threads > 1

    def __enter__(self) -> Batch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def next(self, sessions: Iterable[Session]) -> list[str | None]:
        """Generates the next character of each session; None at an end, as `end_reason` tells."""
        rows = list(sessions)
        characters = (ctypes.c_uint32 * len(rows))()
        with _in_use(self, *rows):
            self._do_long(
                len(rows), _library.chargen_batch_next, _handles(rows), len(rows), characters, others=rows)
        return [_character(character) for character in characters]

    def feed(self, sessions: Iterable[Session], texts: Iterable[str]) -> None:
        """Feeds its own text to each session. An error leaves all sessions as they were."""
        self._read(_library.chargen_batch_feed, sessions, texts)

    def score(self, sessions: Iterable[Session], texts: Iterable[str], end: bool = False) -> list[float]:
        """Feeds its own text to each session, and returns the texts' log-probabilities.

        With `end`, each reads the end of the document after its text, which counts too.
        """
        rows = list(sessions)
        results = (ctypes.c_double * len(rows))()
        self._read(
            _library.chargen_batch_score_documents if end else _library.chargen_batch_score, rows, texts, results)
        return list(results)

    def _read(self, function: Any, sessions: Iterable[Session], texts: Iterable[str], *results: Any) -> None:
        rows, contents = list(sessions), list(texts)
        if len(rows) != len(contents):
            raise ValueError(f"{len(contents)} texts for {len(rows)} sessions")
        with _in_use(self, *rows):
            self._do_long(
                sum(map(len, contents)), function, _handles(rows), len(rows), *_texts(contents), *results, others=rows)


def _handles(sessions: Sequence[Session]) -> ctypes.Array[ctypes.c_void_p]:
    return (_HANDLE * len(sessions))(*(session._handle() for session in sessions))
