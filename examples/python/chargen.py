"""Text from a chargen model, character by character.

    from chargen import Model, Session

    with Model("names.cgw") as model, Session(model, seed=42) as session:
        session.feed("Al")
        for character in session:
            print(character, end="", flush=True)

A single module over libchargen.so, without other dependencies. It loads the file that the
environment variable CHARGEN_LIBRARY names, or libchargen.so beside this module, in ../../build, or
in the system's search path.

Any number of threads may share a Model. A Session, a Batch or a Beam is used by one thread at a
time.
"""

from __future__ import annotations

import ctypes
import enum
import os
import pathlib
import weakref
from typing import Any, Callable, Iterator, NamedTuple, Sequence

__all__ = [
    "Batch", "Beam", "Continuation", "EndReason", "Error", "Model", "Pattern", "Session", "Status", "version", "version_number",
]  # fmt: skip


class Status(enum.IntEnum):
    """Why a call failed: the values of `chargen_status`."""

    INVALID_ARGUMENT = 1
    OUT_OF_MEMORY = 2
    FILE_ACCESS = 3
    INVALID_MODEL = 4
    UNSUPPORTED_VERSION = 5
    INVALID_UTF8 = 6
    UNKNOWN_CHARACTER = 7
    BUFFER_TOO_SMALL = 8
    UNSUPPORTED_BACKEND = 9
    INTERRUPTED = 10
    INVALID_PATTERN = 11
    INVALID_SNAPSHOT = 12


class EndReason(enum.IntEnum):
    """Why generated text came to its end: the values of `chargen_end_reason`."""

    NONE = 0
    LIMIT = 1
    BUFFER = 2
    CALLBACK = 3
    DOCUMENT = 4
    PATTERN = 5
    MAX_LENGTH = 6
    STOP_STRING = 7
    INTERRUPT = 8


class Error(Exception):
    """A failed call, with the library's error message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        #: A Status, or a number that this module does not know.
        self.status = status


# ---- The library ----

_HANDLE = ctypes.c_void_p
_SIZE = ctypes.c_size_t
_STATUS = ctypes.c_int32
_TEXT = ctypes.c_char_p
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, _SIZE, ctypes.c_void_p)
_END_OF_DOCUMENT = 0xFFFFFFFF
_STOPPED = 0xFFFFFFFE
_NO_LIMIT = _SIZE(-1).value

_POLICIES = {0: "fail", 1: "skip", 3: "nearest"}

_FLOATS = ctypes.POINTER(ctypes.POINTER(ctypes.c_float))

_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "chargen_error_message": (_TEXT, []),
    "chargen_version": (_TEXT, []),
    "chargen_version_number": (ctypes.c_int32, []),
    "chargen_encode": (_SIZE, [ctypes.c_uint32, _TEXT]),
    "chargen_model_load_file": (_STATUS, [_TEXT, ctypes.POINTER(_HANDLE)]),
    "chargen_model_load_descriptor": (_STATUS, [ctypes.c_int32, ctypes.POINTER(_HANDLE)]),
    "chargen_model_load_memory": (_STATUS, [_TEXT, _SIZE, ctypes.POINTER(_HANDLE)]),
    "chargen_model_verify": (_STATUS, [_HANDLE, ctypes.POINTER(ctypes.c_int32)]),
    "chargen_model_free": (None, [_HANDLE]),
    "chargen_session_create": (_STATUS, [_HANDLE, ctypes.POINTER(_HANDLE)]),
    "chargen_session_clone": (_STATUS, [_HANDLE, ctypes.POINTER(_HANDLE)]),
    "chargen_session_create_sharing": (_STATUS, [_HANDLE, ctypes.POINTER(_HANDLE)]),
    "chargen_session_size": (_SIZE, [_HANDLE, ctypes.POINTER(_SIZE)]),
    "chargen_session_snapshot_size": (_SIZE, [_HANDLE]),
    "chargen_session_snapshot": (_STATUS, [_HANDLE, ctypes.c_void_p, _SIZE, ctypes.POINTER(_SIZE)]),
    "chargen_session_restore": (_STATUS, [_HANDLE, _TEXT, _SIZE, ctypes.POINTER(_HANDLE)]),
    "chargen_session_set_undo": (_STATUS, [_HANDLE, _SIZE]),
    "chargen_session_undo_count": (_SIZE, [_HANDLE]),
    "chargen_session_undo": (_STATUS, [_HANDLE, _SIZE]),
    "chargen_session_state_size": (_SIZE, [_HANDLE]),
    "chargen_session_get_state": (_STATUS, [_HANDLE, ctypes.POINTER(ctypes.c_float), _SIZE]),
    "chargen_session_set_state": (_STATUS, [_HANDLE, ctypes.POINTER(ctypes.c_float), _SIZE]),
    "chargen_session_free": (None, [_HANDLE]),
    "chargen_session_generate": (_STATUS, [_HANDLE, _SIZE, _TEXT, _SIZE, ctypes.POINTER(_SIZE)]),
    "chargen_session_stream": (_STATUS, [_HANDLE, _SIZE, _CALLBACK, ctypes.c_void_p]),
    "chargen_session_next": (_STATUS, [_HANDLE, ctypes.POINTER(ctypes.c_uint32)]),
    "chargen_session_feed": (_STATUS, [_HANDLE, _TEXT, _SIZE]),
    "chargen_session_feed_piece": (_STATUS, [_HANDLE, _TEXT, _SIZE]),
    "chargen_session_feed_character": (_STATUS, [_HANDLE, ctypes.c_uint32]),
    "chargen_session_ended": (ctypes.c_int32, [_HANDLE]),
    "chargen_session_reset": (_STATUS, [_HANDLE]),
    "chargen_session_set_temperature": (_STATUS, [_HANDLE, ctypes.c_float]),
    "chargen_session_set_seed": (_STATUS, [_HANDLE, ctypes.c_uint64]),
    "chargen_session_set_top_k": (_STATUS, [_HANDLE, _SIZE]),
    "chargen_session_set_top_p": (_STATUS, [_HANDLE, ctypes.c_float]),
    "chargen_session_set_min_p": (_STATUS, [_HANDLE, ctypes.c_float]),
    "chargen_session_set_penalties": (_STATUS, [_HANDLE, ctypes.c_float, ctypes.c_float, _SIZE]),
    "chargen_session_set_bias": (_STATUS, [_HANDLE, ctypes.c_uint32, ctypes.c_float]),
    "chargen_session_set_allowed": (_STATUS, [_HANDLE, _TEXT, _SIZE]),
    "chargen_session_temperature": (ctypes.c_float, [_HANDLE]),
    "chargen_session_seed": (ctypes.c_uint64, [_HANDLE]),
    "chargen_session_top_k": (_SIZE, [_HANDLE]),
    "chargen_session_top_p": (ctypes.c_float, [_HANDLE]),
    "chargen_session_min_p": (ctypes.c_float, [_HANDLE]),
    "chargen_session_repetition_penalty": (ctypes.c_float, [_HANDLE]),
    "chargen_session_frequency_penalty": (ctypes.c_float, [_HANDLE]),
    "chargen_session_penalty_window": (_SIZE, [_HANDLE]),
    "chargen_session_bias": (ctypes.c_float, [_HANDLE, ctypes.c_uint32]),
    "chargen_session_allows": (ctypes.c_int32, [_HANDLE, ctypes.c_uint32]),
    "chargen_session_set_unknown": (_STATUS, [_HANDLE, ctypes.c_int32]),
    "chargen_session_set_replacement": (_STATUS, [_HANDLE, ctypes.c_uint32]),
    "chargen_session_unknown": (ctypes.c_int32, [_HANDLE]),
    "chargen_session_replacement": (ctypes.c_uint32, [_HANDLE]),
    "chargen_session_threads": (_SIZE, [_HANDLE]),
    "chargen_session_set_threads": (_STATUS, [_HANDLE, _SIZE]),
    "chargen_pattern_create": (_STATUS, [_HANDLE, _TEXT, _SIZE, ctypes.POINTER(_HANDLE)]),
    "chargen_pattern_create_template": (
        _STATUS, [_HANDLE, _TEXT, _SIZE, ctypes.c_uint32, _TEXT, _SIZE, ctypes.POINTER(_HANDLE)]),
    "chargen_pattern_free": (None, [_HANDLE]),
    "chargen_session_set_pattern": (_STATUS, [_HANDLE, _HANDLE]),
    "chargen_session_set_max_length": (_STATUS, [_HANDLE, _SIZE]),
    "chargen_session_max_length": (_SIZE, [_HANDLE]),
    "chargen_session_may_end": (ctypes.c_int32, [_HANDLE]),
    "chargen_session_set_stop_strings": (_STATUS, [_HANDLE, ctypes.POINTER(_TEXT), ctypes.POINTER(_SIZE), _SIZE]),
    "chargen_session_held_count": (_SIZE, [_HANDLE]),
    "chargen_session_end_reason": (ctypes.c_int32, [_HANDLE]),
    "chargen_session_stop_string": (_SIZE, [_HANDLE]),
    "chargen_session_set_interrupt": (_STATUS, [_HANDLE, ctypes.POINTER(ctypes.c_int32)]),
    "chargen_session_score": (
        _STATUS, [_HANDLE, _TEXT, _SIZE, ctypes.POINTER(ctypes.c_double), ctypes.POINTER(_SIZE)]),
    "chargen_session_score_document": (
        _STATUS, [_HANDLE, _TEXT, _SIZE, ctypes.POINTER(ctypes.c_double), ctypes.POINTER(_SIZE)]),
    "chargen_session_score_characters": (
        _STATUS, [_HANDLE, _TEXT, _SIZE, ctypes.POINTER(ctypes.c_double), _SIZE, ctypes.POINTER(_SIZE)]),
    "chargen_session_likeliest": (
        _STATUS,
        [_HANDLE, _SIZE, ctypes.POINTER(ctypes.c_uint32), ctypes.POINTER(ctypes.c_float), ctypes.POINTER(_SIZE)]),
    "chargen_session_probability": (_STATUS, [_HANDLE, ctypes.c_uint32, ctypes.POINTER(ctypes.c_float)]),
    "chargen_session_log_probability": (_STATUS, [_HANDLE, ctypes.c_uint32, ctypes.POINTER(ctypes.c_double)]),
    "chargen_session_probabilities": (_STATUS, [_HANDLE, _FLOATS, ctypes.POINTER(_SIZE)]),
    "chargen_session_log_probabilities": (_STATUS, [_HANDLE, _FLOATS, ctypes.POINTER(_SIZE)]),
    "chargen_session_logits": (_STATUS, [_HANDLE, _FLOATS, ctypes.POINTER(_SIZE)]),
    "chargen_model_cell": (_TEXT, [_HANDLE]),
    "chargen_model_layer_count": (_SIZE, [_HANDLE]),
    "chargen_model_hidden_size": (_SIZE, [_HANDLE]),
    "chargen_model_parameter_count": (_SIZE, [_HANDLE]),
    "chargen_model_weight_type": (_TEXT, [_HANDLE]),
    "chargen_model_backend": (_TEXT, [_HANDLE]),
    "chargen_model_provenance": (ctypes.c_void_p, [_HANDLE, ctypes.POINTER(_SIZE)]),
    "chargen_model_has_end_of_document": (ctypes.c_int32, [_HANDLE]),
    "chargen_model_has_unknown": (ctypes.c_int32, [_HANDLE]),
    "chargen_model_character_count": (_SIZE, [_HANDLE]),
    "chargen_model_character": (_STATUS, [_HANDLE, _SIZE, ctypes.POINTER(ctypes.c_uint32)]),
    "chargen_model_knows": (ctypes.c_int32, [_HANDLE, ctypes.c_uint32]),
    "chargen_model_nearest": (_STATUS, [_HANDLE, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint32)]),
    "chargen_model_max_character_bytes": (_SIZE, [_HANDLE]),
    "chargen_batch_create": (_STATUS, [_HANDLE, _SIZE, _SIZE, ctypes.POINTER(_HANDLE)]),
    "chargen_batch_free": (None, [_HANDLE]),
    "chargen_batch_set_interrupt": (_STATUS, [_HANDLE, ctypes.POINTER(ctypes.c_int32)]),
    "chargen_batch_next": (_STATUS, [_HANDLE, ctypes.POINTER(_HANDLE), _SIZE, ctypes.POINTER(ctypes.c_uint32)]),
    "chargen_batch_feed": (
        _STATUS, [_HANDLE, ctypes.POINTER(_HANDLE), _SIZE, ctypes.POINTER(_TEXT), ctypes.POINTER(_SIZE)]),
    "chargen_batch_score": (
        _STATUS,
        [_HANDLE, ctypes.POINTER(_HANDLE), _SIZE, ctypes.POINTER(_TEXT), ctypes.POINTER(_SIZE),
         ctypes.POINTER(ctypes.c_double)]),
    "chargen_batch_score_documents": (
        _STATUS,
        [_HANDLE, ctypes.POINTER(_HANDLE), _SIZE, ctypes.POINTER(_TEXT), ctypes.POINTER(_SIZE),
         ctypes.POINTER(ctypes.c_double)]),
    "chargen_beam_create": (_STATUS, [_HANDLE, _SIZE, _SIZE, _SIZE, ctypes.POINTER(_HANDLE)]),
    "chargen_beam_free": (None, [_HANDLE]),
    "chargen_beam_set_interrupt": (_STATUS, [_HANDLE, ctypes.POINTER(ctypes.c_int32)]),
    "chargen_beam_search": (_STATUS, [_HANDLE, _HANDLE, _SIZE, ctypes.POINTER(_SIZE)]),
    "chargen_beam_text": (
        _STATUS,
        [_HANDLE, _SIZE, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(_SIZE), ctypes.POINTER(ctypes.c_double),
         ctypes.POINTER(ctypes.c_int32)]),
}


def _load_library() -> ctypes.CDLL:
    named = os.environ.get("CHARGEN_LIBRARY")
    if named:
        library = ctypes.CDLL(named)
    else:
        here = pathlib.Path(__file__).resolve().parent
        places = [here / "libchargen.so", here.parent.parent / "build" / "libchargen.so"]
        # The last one without a folder: the system's loader searches for it.
        library = ctypes.CDLL(next((str(place) for place in places if place.exists()), "libchargen.so.2"))
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library


_library = _load_library()


def _check(status: int) -> None:
    """Raises an Error unless a call succeeded."""
    if status == 0:
        return
    message = _library.chargen_error_message().decode("utf-8")
    raise Error(Status(status) if status in Status.__members__.values() else status, message)


def _decode(text: bytes) -> str:
    return text.decode("utf-8")


def _size(value: int) -> int:
    """A number as a size_t: ctypes would truncate it, so one out of range becomes the largest."""
    return value if 0 <= value <= _NO_LIMIT else _NO_LIMIT


def _code(character: str | None) -> int:
    """A character as the library takes it."""
    return _END_OF_DOCUMENT if character is None else ord(character)


def _character(code: int) -> str | None:
    """A character as the library gives it."""
    return None if code in (_END_OF_DOCUMENT, _STOPPED) else chr(code)


def version() -> str:
    """The version of the library in use, such as "0.2.0-dev"."""
    return _decode(_library.chargen_version())


def version_number() -> int:
    """The version of the library in use as one number, to compare: 200 for 0.2.0."""
    return int(_library.chargen_version_number())


class _Owner:
    """Owns a handle, which close(), the end of a `with` block or the garbage collector frees."""

    def __init__(self, handle: ctypes.c_void_p, free: Callable[[ctypes.c_void_p], None]) -> None:
        self._open: ctypes.c_void_p | None = handle
        self._free = weakref.finalize(self, free, handle)

    @property
    def _handle(self) -> ctypes.c_void_p:
        if self._open is None:
            raise ValueError(f"the {type(self).__name__} is closed")
        return self._open

    def close(self) -> None:
        """Frees the memory. Later use raises ValueError; closing again does nothing."""
        self._open = None
        self._free()

    def __reduce_ex__(self, _: Any) -> Any:
        """Refuses copying and pickling: a second owner would use the handle after it is freed."""
        raise TypeError(f"a {type(self).__name__} cannot be copied or pickled")


class Model(_Owner):
    """A trained model, immutable. Its sessions remain valid when it is closed."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Loads a .cgw file."""
        name = os.fsencode(path)
        if b"\0" in name:
            raise ValueError("a path cannot have a NUL in it")
        handle = _HANDLE()
        _check(_library.chargen_model_load_file(name, ctypes.byref(handle)))
        super().__init__(handle, _library.chargen_model_free)

    @classmethod
    def from_bytes(cls, data: bytes) -> Model:
        """Loads the bytes of a .cgw file."""
        handle = _HANDLE()
        _check(_library.chargen_model_load_memory(data, len(data), ctypes.byref(handle)))
        model = cls.__new__(cls)
        _Owner.__init__(model, handle, _library.chargen_model_free)
        return model

    @classmethod
    def from_descriptor(cls, descriptor: int) -> Model:
        """Loads a model from an open file descriptor, from its present place to its end.

        It stays open. What a file object has read in advance is not read again."""
        # ctypes would truncate it.
        descriptor = descriptor if 0 <= descriptor < 2**31 else -1
        handle = _HANDLE()
        _check(_library.chargen_model_load_descriptor(descriptor, ctypes.byref(handle)))
        model = cls.__new__(cls)
        _Owner.__init__(model, handle, _library.chargen_model_free)
        return model

    def verify(self) -> bool:
        """Checks that the model generates here what it generated when it was exported.

        False if the file has no self-test; an Error if it fails."""
        has_self_test = ctypes.c_int32()
        _check(_library.chargen_model_verify(self._handle, ctypes.byref(has_self_test)))
        return bool(has_self_test.value)

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def cell(self) -> str:
        """The kind of recurrent cell: "rnn", "gru" or "lstm"."""
        return _decode(_library.chargen_model_cell(self._handle))

    @property
    def backend(self) -> str:
        """The kernels in use: "portable", "avx2" or "avx512"."""
        return _decode(_library.chargen_model_backend(self._handle))

    @property
    def weights(self) -> str:
        """The type of the weights between the layers: "f32", "bf16", "int8" or "int4"."""
        return _decode(_library.chargen_model_weight_type(self._handle))

    @property
    def layers(self) -> int:
        """The number of recurrent layers."""
        return int(_library.chargen_model_layer_count(self._handle))

    @property
    def hidden_size(self) -> int:
        """The number of units of each layer."""
        return int(_library.chargen_model_hidden_size(self._handle))

    @property
    def parameters(self) -> int:
        """The number of weights and biases."""
        return int(_library.chargen_model_parameter_count(self._handle))

    @property
    def provenance(self) -> str:
        """The origin of the model: the JSON object that the trainer wrote."""
        length = _SIZE()
        text = _library.chargen_model_provenance(self._handle, ctypes.byref(length))
        return _decode(ctypes.string_at(text, length.value))

    @property
    def characters(self) -> str:
        """The characters that the model knows, in ascending order."""
        character = ctypes.c_uint32()
        characters = []
        for index in range(_library.chargen_model_character_count(self._handle)):
            _check(_library.chargen_model_character(self._handle, index, ctypes.byref(character)))
            characters.append(chr(character.value))
        return "".join(characters)

    def __contains__(self, character: str) -> bool:
        """Whether the model knows a character."""
        return bool(_library.chargen_model_knows(self._handle, ord(character)))

    def nearest(self, character: str) -> str | None:
        """The character that the model knows and that is nearest to another: itself, or another
        width, case or form, or without its accent; None if there is none."""
        nearest = ctypes.c_uint32()
        status = _library.chargen_model_nearest(self._handle, ord(character), ctypes.byref(nearest))
        if status == Status.UNKNOWN_CHARACTER:
            return None
        _check(status)
        return chr(nearest.value)

    @property
    def has_end_of_document(self) -> bool:
        """Whether the model has learned where documents end."""
        return bool(_library.chargen_model_has_end_of_document(self._handle))

    @property
    def has_unknown(self) -> bool:
        """Whether the model reads characters that it does not know as an unknown symbol."""
        return bool(_library.chargen_model_has_unknown(self._handle))


class Pattern(_Owner):
    """A regular expression that generated text matches as a whole, for the characters of a model.

        session.pattern = Pattern(model, r"[0-9]{4}-[01][0-9]-[0-3][0-9]")

    Immutable: any number of sessions and threads may share it.
    """

    def __init__(self, model: Model, expression: str) -> None:
        """Compiles an expression; docs/patterns.md specifies the syntax."""
        data = expression.encode("utf-8")
        handle = _HANDLE()
        _check(_library.chargen_pattern_create(model._handle, data, len(data), ctypes.byref(handle)))
        super().__init__(handle, _library.chargen_pattern_free)

    @classmethod
    def template(cls, model: Model, text: str, free: str = "_", choices: str = "") -> Pattern:
        """A pattern of texts like `text`, in which `free` stands for any character of `choices`.

        Without them it stands for any that the model knows but the line break."""
        data, characters = text.encode("utf-8"), choices.encode("utf-8")
        handle = _HANDLE()
        _check(
            _library.chargen_pattern_create_template(
                model._handle, data, len(data), ord(free), characters, len(characters), ctypes.byref(handle))
        )
        pattern = cls.__new__(cls)
        _Owner.__init__(pattern, handle, _library.chargen_pattern_free)
        return pattern


class Session(_Owner):
    """One stream of text from a model.

    Iterating yields characters up to the end of a document; with a model that was not trained on
    documents it never ends. A further iteration begins the next document.
    """

    def __init__(
        self, model: Model, *, temperature: float = 1.0, seed: int = 0, skip_unknown: bool = False, threads: int = 1
    ) -> None:
        """A session at the beginning of a text. The settings are properties too."""
        handle = _HANDLE()
        _check(_library.chargen_session_create(model._handle, ctypes.byref(handle)))
        self._adopt(handle, model.has_end_of_document, _library.chargen_model_character_count(model._handle) + 1)
        self.temperature = temperature
        self.seed = seed
        self.skip_unknown = skip_unknown
        self.threads = threads

    def _adopt(self, handle: ctypes.c_void_p, ends: bool, symbols: int) -> None:
        _Owner.__init__(self, handle, _library.chargen_session_free)
        self._ends = ends
        self._symbols = symbols
        self._pattern: Pattern | None = None
        self._stop_strings: list[str] = []

    def copy(self) -> Session:
        """A session at the same place of the same text, with the same settings and one thread,
        which continues independently."""
        handle = _HANDLE()
        _check(_library.chargen_session_clone(self._handle, ctypes.byref(handle)))
        other = self._like(handle)
        other._pattern, other._stop_strings = self._pattern, list(self._stop_strings)
        return other

    def create_sharing(self) -> Session:
        """A new session of the same model that shares the memory which does not belong to a text.

        Sessions that share memory are used by one thread at a time, together.
        """
        handle = _HANDLE()
        _check(_library.chargen_session_create_sharing(self._handle, ctypes.byref(handle)))
        return self._like(handle)

    def _like(self, handle: ctypes.c_void_p) -> Session:
        """A session of the same model that owns another handle."""
        other = Session.__new__(Session)
        other._adopt(handle, self._ends, self._symbols)
        return other

    def snapshot(self) -> bytes:
        """All that decides how the text goes on, as bytes for restore()."""
        buffer = ctypes.create_string_buffer(_library.chargen_session_snapshot_size(self._handle))
        length = _SIZE()
        _check(_library.chargen_session_snapshot(self._handle, buffer, len(buffer), ctypes.byref(length)))
        return buffer.raw[: length.value]

    @classmethod
    def restore(cls, model: Model, snapshot: bytes) -> Session:
        """A session that goes on as the one did that the snapshot was taken of.

        Its `pattern` and `stop_strings` hold, but these attributes do not show them.
        """
        handle = _HANDLE()
        data = bytes(snapshot)
        _check(_library.chargen_session_restore(model._handle, data, len(data), ctypes.byref(handle)))
        session = cls.__new__(cls)
        session._adopt(handle, model.has_end_of_document, _library.chargen_model_character_count(model._handle) + 1)
        return session

    @property
    def undo_count(self) -> int:
        """The characters that undo() can take back now."""
        return int(_library.chargen_session_undo_count(self._handle))

    def set_undo(self, characters: int) -> None:
        """Has the session keep what it was before each of its last characters; 0 for none."""
        _check(_library.chargen_session_set_undo(self._handle, _size(characters)))

    def undo(self, characters: int = 1) -> None:
        """Undoes the last characters, whether they were fed or generated."""
        _check(_library.chargen_session_undo(self._handle, _size(characters)))

    @property
    def size(self) -> tuple[int, int]:
        """The bytes of memory for the session's own text, and of the memory that it works in."""
        shared = _SIZE()
        own = int(_library.chargen_session_size(self._handle, ctypes.byref(shared)))
        return own, shared.value

    @property
    def state(self) -> list[float]:
        """The recurrent state: layer by layer the hidden state, then, for an LSTM, the cell state.

        Setting it leaves the random generator and the settings as they are. Hidden states must be
        from -1 to 1."""
        count = int(_library.chargen_session_state_size(self._handle))
        values = (ctypes.c_float * count)()
        _check(_library.chargen_session_get_state(self._handle, values, count))
        return list(values)

    @state.setter
    def state(self, values: Sequence[float]) -> None:
        array = (ctypes.c_float * len(values))(*values)
        _check(_library.chargen_session_set_state(self._handle, array, len(values)))

    __copy__ = copy

    def __deepcopy__(self, _: dict[int, Any]) -> Session:
        return self.copy()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def temperature(self) -> float:
        """0 for greedy, or 0.001 to 1000: below 1 sharpens the distribution, above 1 flattens."""
        return float(_library.chargen_session_temperature(self._handle))

    @temperature.setter
    def temperature(self, value: float) -> None:
        _check(_library.chargen_session_set_temperature(self._handle, value))

    @property
    def seed(self) -> int:
        """The random generator's seed, 0 to 2**64 - 1. Setting it restarts the generator."""
        return int(_library.chargen_session_seed(self._handle))

    @seed.setter
    def seed(self, value: int) -> None:
        if not 0 <= value < 2**64:
            raise ValueError(f"the seed must be from 0 to 2**64 - 1, not {value}")
        _check(_library.chargen_session_set_seed(self._handle, value))

    @property
    def top_k(self) -> int:
        """The most characters to choose from, the likeliest; 0 for all."""
        return int(_library.chargen_session_top_k(self._handle))

    @top_k.setter
    def top_k(self, value: int) -> None:
        if value < 0:
            raise ValueError(f"top_k must not be negative, but is {value}")
        _check(_library.chargen_session_set_top_k(self._handle, _size(value)))

    @property
    def top_p(self) -> float:
        """The share of the probability to choose from, of the likeliest characters; 1 for all."""
        return float(_library.chargen_session_top_p(self._handle))

    @top_p.setter
    def top_p(self, value: float) -> None:
        _check(_library.chargen_session_set_top_p(self._handle, value))

    @property
    def min_p(self) -> float:
        """The least probability to choose, as a part of the likeliest character's; 0 for all."""
        return float(_library.chargen_session_min_p(self._handle))

    @min_p.setter
    def min_p(self, value: float) -> None:
        _check(_library.chargen_session_set_min_p(self._handle, value))

    @property
    def penalties(self) -> tuple[float, float, int]:
        """The repetition penalty, the frequency penalty, and the number of characters that count.

        The first is subtracted once from the logit of each character among the last ones, the
        second for each time. A window of another length is empty at first.
        """
        return (
            float(_library.chargen_session_repetition_penalty(self._handle)),
            float(_library.chargen_session_frequency_penalty(self._handle)),
            int(_library.chargen_session_penalty_window(self._handle)),
        )

    @penalties.setter
    def penalties(self, value: tuple[float, float, int]) -> None:
        repetition, frequency, window = value
        _check(_library.chargen_session_set_penalties(self._handle, repetition, frequency, _size(window)))

    def set_bias(self, character: str | None, bias: float) -> None:
        """Adds to a character's logit; -math.inf bans it. None is the end of a document."""
        _check(_library.chargen_session_set_bias(self._handle, _code(character), bias))

    def bias(self, character: str | None) -> float:
        """The bias of a character; None is the end of a document."""
        return float(_library.chargen_session_bias(self._handle, _code(character)))

    def set_allowed(self, characters: str) -> None:
        """Restricts generated text to some characters; "" allows all. Documents end as before."""
        data = characters.encode("utf-8")
        _check(_library.chargen_session_set_allowed(self._handle, data, len(data)))

    def allows(self, character: str | None) -> bool:
        """Whether the session may generate a character; None is the end of a document."""
        return bool(_library.chargen_session_allows(self._handle, _code(character)))

    @property
    def pattern(self) -> Pattern | None:
        """The pattern that each generated text matches, from when it is set; None for any text."""
        return self._pattern

    @pattern.setter
    def pattern(self, value: Pattern | None) -> None:
        _check(_library.chargen_session_set_pattern(self._handle, None if value is None else value._handle))
        self._pattern = value

    @property
    def max_length(self) -> int:
        """The most characters of a text, counted from when it is set; 0 for any number."""
        return int(_library.chargen_session_max_length(self._handle))

    @max_length.setter
    def max_length(self, value: int) -> None:
        if value < 0:
            raise ValueError(f"max_length must not be negative, but is {value}")
        _check(_library.chargen_session_set_max_length(self._handle, _size(value)))

    @property
    def may_end(self) -> bool:
        """Whether the text generated so far matches the pattern; True without one."""
        return bool(_library.chargen_session_may_end(self._handle))

    @property
    def stop_strings(self) -> list[str]:
        """Strings at which generated text stops; nothing of them is given out.

        What may become one is held back until it is known how it goes on. It is in the session's
        text already, and is given out before anything else that is generated.
        """
        return list(self._stop_strings)

    @stop_strings.setter
    def stop_strings(self, values: Sequence[str]) -> None:
        strings = list(values)
        texts, lengths = _texts(strings, strings)
        _check(_library.chargen_session_set_stop_strings(self._handle, texts, lengths, len(strings)))
        self._stop_strings = strings

    @property
    def held(self) -> int:
        """The characters that are held back, since a stop string may begin with them."""
        return int(_library.chargen_session_held_count(self._handle))

    @property
    def end_reason(self) -> EndReason:
        """Why the text that was generated last came to its end."""
        return EndReason(_library.chargen_session_end_reason(self._handle))

    @property
    def stopped_at(self) -> str | None:
        """The stop string at which the text that was generated last came to its end."""
        number = int(_library.chargen_session_stop_string(self._handle))
        if self.end_reason != EndReason.STOP_STRING or number >= len(self._stop_strings):
            return None
        return self._stop_strings[number]

    @property
    def skip_unknown(self) -> bool:
        """Whether unknown characters are skipped, also with a model that has a symbol for them."""
        return self.unknown == "skip"

    @skip_unknown.setter
    def skip_unknown(self, value: bool) -> None:
        self.unknown = "skip" if value else "fail"

    @property
    def unknown(self) -> str:
        """What happens to unknown characters: "fail" refuses the text, or reads the model's unknown
        symbol; "skip" leaves them out; "nearest" reads the nearest known one, see Model.nearest();
        a single character is read in the place of each."""
        replacement = int(_library.chargen_session_replacement(self._handle))
        if replacement != _END_OF_DOCUMENT:
            return chr(replacement)
        return _POLICIES[_library.chargen_session_unknown(self._handle)]

    @unknown.setter
    def unknown(self, value: str) -> None:
        if len(value) == 1:
            _check(_library.chargen_session_set_replacement(self._handle, ord(value)))
        elif value in _POLICIES.values():
            policy = next(number for number, name in _POLICIES.items() if name == value)
            _check(_library.chargen_session_set_unknown(self._handle, policy))
        else:
            raise ValueError('not "fail", "skip", "nearest" or a single character')

    @property
    def threads(self) -> int:
        """The threads per character, 1 to 64. More than one pays for large models only."""
        return int(_library.chargen_session_threads(self._handle))

    @threads.setter
    def threads(self, value: int) -> None:
        _check(_library.chargen_session_set_threads(self._handle, _size(value)))

    @property
    def ended(self) -> bool:
        """Whether the end of a document was generated or read last."""
        return bool(_library.chargen_session_ended(self._handle))

    def reset(self) -> None:
        """Discards all text and restarts the random generator, so that the same calls give the same
        text again."""
        _check(_library.chargen_session_reset(self._handle))

    def feed(self, text: str) -> None:
        """Reads text as if the session had generated it, so that generated text continues it."""
        data = text.encode("utf-8")
        _check(_library.chargen_session_feed(self._handle, data, len(data)))

    def feed_piece(self, piece: bytes) -> None:
        """Reads a piece of a text in UTF-8, which may be cut inside a character: its rest is to be
        in the next piece. An empty piece ends the text; an Error if a character is unfinished."""
        data = memoryview(piece).tobytes()
        _check(_library.chargen_session_feed_piece(self._handle, data, len(data)))

    def feed_end(self) -> None:
        """Reads the end of a document as if the session had generated it."""
        _check(_library.chargen_session_feed_character(self._handle, _END_OF_DOCUMENT))

    def score(self, text: str, end: bool = False) -> tuple[float, int]:
        """Reads text as feed() does, and returns its log-probability and its number of characters.

        The log-probability is the sum of the natural logarithms of each character's probability
        given the characters before it. Bits per character are
        -log_probability / (characters * log(2)). With `end`, the end of the document is read after
        the text, and counts as a character.
        """
        data = text.encode("utf-8")
        log_probability, characters = ctypes.c_double(), _SIZE()
        score = _library.chargen_session_score_document if end else _library.chargen_session_score
        _check(score(self._handle, data, len(data), ctypes.byref(log_probability), ctypes.byref(characters)))
        return log_probability.value, characters.value

    def score_characters(self, text: str) -> list[float]:
        """Reads text as score() does, and returns the log-probability of each of its characters.

        That of a character that is skipped is 0.
        """
        data = text.encode("utf-8")
        scores, count = (ctypes.c_double * len(text))(), _SIZE()
        _check(
            _library.chargen_session_score_characters(
                self._handle, data, len(data), scores, len(text), ctypes.byref(count))
        )
        return list(scores)

    def likeliest(self, k: int) -> list[tuple[str | None, float]]:
        """The k likeliest next characters with their probabilities; None is the end of a document.

        At temperature 1, whatever the settings.
        """
        if k < 0:
            raise ValueError(f"k must not be negative, but is {k}")
        room = min(k, self._symbols)
        characters, values, count = (ctypes.c_uint32 * room)(), (ctypes.c_float * room)(), _SIZE()
        _check(_library.chargen_session_likeliest(self._handle, room, characters, values, ctypes.byref(count)))
        return [(_character(characters[i]), values[i]) for i in range(count.value)]

    def probability(self, character: str | None) -> float:
        """The probability that a character comes next; None is the end of a document."""
        value = ctypes.c_float()
        _check(_library.chargen_session_probability(self._handle, _code(character), ctypes.byref(value)))
        return value.value

    def log_probability(self, character: str | None) -> float:
        """The natural logarithm of a character's probability, as score() would count it."""
        value = ctypes.c_double()
        _check(_library.chargen_session_log_probability(self._handle, _code(character), ctypes.byref(value)))
        return value.value

    def probabilities(self) -> list[float]:
        """The probabilities of what may come next, at temperature 1, whatever the settings.

        One for each of the model's characters, then one for the unknown symbol and one for the end
        of a document, if the model has them.
        """
        return self._numbers(_library.chargen_session_probabilities)

    def log_probabilities(self) -> list[float]:
        """The natural logarithms of probabilities()."""
        return self._numbers(_library.chargen_session_log_probabilities)

    def logits(self) -> list[float]:
        """The logits of what may come next, in the order of probabilities()."""
        return self._numbers(_library.chargen_session_logits)

    def _numbers(self, function: Any) -> list[float]:
        values, count = ctypes.POINTER(ctypes.c_float)(), _SIZE()
        _check(function(self._handle, ctypes.byref(values), ctypes.byref(count)))
        return values[: count.value]

    def __iter__(self) -> Iterator[str]:
        character = ctypes.c_uint32()
        while True:
            _check(_library.chargen_session_next(self._handle, ctypes.byref(character)))
            if character.value in (_END_OF_DOCUMENT, _STOPPED):
                return
            yield chr(character.value)

    def generate(self, max_characters: int | None = None) -> str:
        """Returns text up to the end of a document or a stop string, at most `max_characters`.

        `end_reason` tells why it ends there.
        """
        wanted = self._limit(max_characters)
        buffer = ctypes.create_string_buffer(4096)
        length = _SIZE()
        parts = []
        while wanted > 0:
            _check(
                _library.chargen_session_generate(self._handle, wanted, buffer, len(buffer), ctypes.byref(length))
            )
            part = _decode(buffer.raw[: length.value])
            parts.append(part)
            wanted -= len(part)
            if self.end_reason not in (EndReason.LIMIT, EndReason.BUFFER):
                break
        return "".join(parts)

    def stream(self, callback: Callable[[str], object], max_characters: int | None = None) -> None:
        """Calls `callback` with each character as soon as it is generated; ends as generate() does.

        A true value from the callback stops it, and so does an exception, which this call raises.
        The callback may use this session but must not close it.
        """
        raised: list[BaseException] = []

        def receive(character: int, length: int, _: object) -> int:
            try:
                return 1 if callback(_decode(ctypes.string_at(character, length))) else 0
            except BaseException as error:  # No exception may pass through the library, KeyboardInterrupt included.
                raised.append(error)
                return 1

        limit = self._limit(max_characters)
        _check(_library.chargen_session_stream(self._handle, limit, _CALLBACK(receive), None))
        if raised:
            raise raised[0]

    def _limit(self, max_characters: int | None) -> int:
        if max_characters is not None:
            if max_characters < 0:
                raise ValueError("max_characters must not be negative")
            return min(max_characters, _NO_LIMIT)
        if not self._ends and self.max_length == 0:
            raise ValueError("this model's text never ends: give max_characters, or set max_length")
        return _NO_LIMIT


class Batch(_Owner):
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
        _check(_library.chargen_batch_create(model._handle, _size(capacity), _size(threads), ctypes.byref(handle)))
        super().__init__(handle, _library.chargen_batch_free)

    def __enter__(self) -> Batch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def next(self, sessions: Sequence[Session]) -> list[str | None]:
        """Generates the next character of each session; None at an end, as `end_reason` tells."""
        characters = (ctypes.c_uint32 * len(sessions))()
        _check(_library.chargen_batch_next(self._handle, _handles(sessions), len(sessions), characters))
        return [_character(character) for character in characters]

    def feed(self, sessions: Sequence[Session], texts: Sequence[str]) -> None:
        """Feeds its own text to each session. An error leaves all sessions as they were."""
        _check(_library.chargen_batch_feed(self._handle, _handles(sessions), len(sessions), *_texts(sessions, texts)))

    def score(self, sessions: Sequence[Session], texts: Sequence[str], end: bool = False) -> list[float]:
        """Feeds its own text to each session, and returns the texts' log-probabilities.

        With `end`, each reads the end of the document after its text, which counts too.
        """
        results = (ctypes.c_double * len(sessions))()
        score = _library.chargen_batch_score_documents if end else _library.chargen_batch_score
        _check(score(self._handle, _handles(sessions), len(sessions), *_texts(sessions, texts), results))
        return list(results)


class Continuation(NamedTuple):
    """A text that may follow."""

    text: str
    #: What Session.score() gives for it, with the end of the document if that follows.
    log_probability: float
    #: Whether the document ends after it.
    ended: bool


class Beam(_Owner):
    """Finds likely continuations of a session's text by beam search.

        with Beam(model, width=5, length=20) as beam:
            for text, log_probability, ended in beam.search(session):
                print(text, math.exp(log_probability))

    A search keeps the `width` likeliest texts of each length. A wider beam may find likelier ones.
    """

    def __init__(self, model: Model, width: int, length: int, threads: int = 1) -> None:
        """Makes room for `width` continuations of `length` characters, each 1 to 1024."""
        handle = _HANDLE()
        _check(
            _library.chargen_beam_create(
                model._handle, _size(width), _size(length), _size(threads), ctypes.byref(handle))
        )
        super().__init__(handle, _library.chargen_beam_free)
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
        _check(_library.chargen_beam_search(self._handle, session._handle, wanted, ctypes.byref(count)))
        return [self._text(index) for index in range(count.value)]

    def _text(self, index: int) -> Continuation:
        text, length = ctypes.c_void_p(), _SIZE()
        log_probability, ended = ctypes.c_double(), ctypes.c_int32()
        _check(
            _library.chargen_beam_text(
                self._handle, index, ctypes.byref(text), ctypes.byref(length), ctypes.byref(log_probability),
                ctypes.byref(ended))
        )
        return Continuation(
            _decode(ctypes.string_at(text, length.value)), log_probability.value, bool(ended.value))


def _handles(sessions: Sequence[Session]) -> ctypes.Array[ctypes.c_void_p]:
    return (_HANDLE * len(sessions))(*(session._handle for session in sessions))


def _texts(
    sessions: Sequence[Session], texts: Sequence[str]
) -> tuple[ctypes.Array[ctypes.c_char_p], ctypes.Array[ctypes.c_size_t]]:
    """The texts and their lengths as C arrays."""
    if len(sessions) != len(texts):
        raise ValueError(f"{len(texts)} texts for {len(sessions)} sessions")
    data = [text.encode("utf-8") for text in texts]
    return (_TEXT * len(data))(*data), (_SIZE * len(data))(*map(len, data))
