"""Beam search: the likeliest continuations of a text."""

from __future__ import annotations

import ctypes
from typing import NamedTuple

from ._library import _HANDLE, _SIZE, _decode, _library, _size
from ._model import Model
from ._owner import _in_use, _Interruptible
from ._session import Session


class Continuation(NamedTuple):
    """A text that may follow."""

    text: str
    #: What Session.score() gives for it, with the end of the document if that follows.
    log_probability: float
    #: Whether the document ends after it.
    ended: bool


class Beam(_Interruptible):
    """Finds likely continuations of a session's text by beam search.

        with Beam(model, width=5, length=20) as beam:
            for text, log_probability, ended in beam.search(session):
                print(text, math.exp(log_probability))

    A search keeps the `width` likeliest texts of each length. A wider beam may find likelier ones.
    """

    def __init__(self, model: Model, width: int, length: int, threads: int = 1) -> None:
        """Makes room for `width` continuations of `length` characters, each 1 to 1024."""
        handle = _HANDLE()
        model._do(_library.chargen_beam_create, _size(width), _size(length), _size(threads), ctypes.byref(handle))
        super().__init__(handle, _library.chargen_beam_free, _library.chargen_beam_set_interrupt, model.parameters)
        self._has_threads = threads > 1
        self._width = width
        self._length = length

    def __enter__(self) -> Beam:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def search(self, session: Session, length: int | None = None) -> list[Continuation]:
        """The continuations of `length` characters, the likeliest first.

        One is shorter where its document ends. The session and its settings stay as they are, and
        do not affect the probabilities.
        """
        count = _SIZE()
        wanted = self._length if length is None else _size(length)
        with _in_use(self, session):
            self._do_long(
                self._width * min(wanted, self._length), _library.chargen_beam_search, session._handle(), wanted,
                ctypes.byref(count), others=(session,))
            return [self._text(index) for index in range(count.value)]

    def _text(self, index: int) -> Continuation:
        text, length = ctypes.c_void_p(), _SIZE()
        log_probability, ended = ctypes.c_double(), ctypes.c_int32()
        self._do(
            _library.chargen_beam_text, index, ctypes.byref(text), ctypes.byref(length),
            ctypes.byref(log_probability), ctypes.byref(ended))
        return Continuation(
            _decode(ctypes.string_at(text, length.value)), log_probability.value, bool(ended.value))
