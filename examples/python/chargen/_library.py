"""libchargen.so: its functions, its constants, its errors."""

from __future__ import annotations

import ctypes
import enum
import operator
import os
import pathlib
from typing import Any, Sequence


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
    "chargen_model_label_column_count": (_SIZE, [_HANDLE]),
    "chargen_model_label_count": (_SIZE, [_HANDLE, _SIZE]),
    "chargen_model_label_column": (_TEXT, [_HANDLE, _SIZE]),
    "chargen_model_label": (_TEXT, [_HANDLE, _SIZE, _SIZE]),
    "chargen_model_find_label": (_STATUS, [_HANDLE, _SIZE, _TEXT, _SIZE, ctypes.POINTER(ctypes.c_int32)]),
    "chargen_session_set_label": (_STATUS, [_HANDLE, _SIZE, ctypes.c_int32]),
    "chargen_session_set_label_weights": (_STATUS, [_HANDLE, _SIZE, ctypes.POINTER(ctypes.c_float), _SIZE]),
    "chargen_session_set_initial_state": (_STATUS, [_HANDLE, ctypes.POINTER(ctypes.c_float), _SIZE]),
    "chargen_session_classify": (
        _STATUS, [_HANDLE, _SIZE, _TEXT, _SIZE, ctypes.c_int32, ctypes.POINTER(ctypes.c_float), _SIZE]),
    "chargen_session_classify_prefixes": (
        _STATUS,
        [_HANDLE, _SIZE, _TEXT, _SIZE, ctypes.POINTER(ctypes.c_float), _SIZE, ctypes.POINTER(_SIZE)]),
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
    "chargen_session_replacement": (ctypes.c_uint32, [_HANDLE]),
    "chargen_session_unknown": (ctypes.c_int32, [_HANDLE]),
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
        places = [here / "libchargen.so", here.parents[2] / "build" / "libchargen.so"]
        # The last one without a folder: the system's loader searches for it.
        library = ctypes.CDLL(next((str(place) for place in places if place.exists()), "libchargen.so.2"))
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library


_library = _load_library()


def _message() -> str:
    """This thread's last error message."""
    return str(_library.chargen_error_message(), "utf-8")


def _check(status: int, message: str | None = None) -> None:
    """Raises an Error unless a call succeeded."""
    if status != 0:
        known = status in Status.__members__.values()
        raise Error(Status(status) if known else status, _message() if message is None else message)


def _decode(text: bytes) -> str:
    return text.decode("utf-8")


def _encoded(text: str) -> bytes:
    """A text as the library takes it. It refuses lone surrogates, as all that is not UTF-8."""
    if not isinstance(text, str):
        raise TypeError(f"a text must be a str, not a {type(text).__name__}")
    return text.encode("utf-8", "surrogatepass")


def _texts(texts: Sequence[str]) -> tuple[ctypes.Array[ctypes.c_char_p], ctypes.Array[ctypes.c_size_t]]:
    """Texts and their lengths as C arrays."""
    data = [_encoded(text) for text in texts]
    return (_TEXT * len(data))(*data), (_SIZE * len(data))(*map(len, data))


def _size(value: int) -> int:
    """A number as a size_t: ctypes would truncate it, so one out of range becomes the largest."""
    number = operator.index(value)
    return number if 0 <= number <= _NO_LIMIT else _NO_LIMIT


def _code(character: str | None) -> int:
    """A character as the library takes it."""
    if character is None:
        return _END_OF_DOCUMENT
    if not isinstance(character, str) or len(character) != 1:
        raise TypeError(f"a character must be a str of length 1, or None for the end of a document, not {character!r}")
    return ord(character)


def _character(code: int) -> str | None:
    """A character as the library gives it."""
    return None if code in (_END_OF_DOCUMENT, _STOPPED) else chr(code)


def version() -> str:
    """The version of the library in use, such as "0.2.0-dev"."""
    return _decode(_library.chargen_version())


def version_number() -> int:
    """The version of the library in use as one number, to compare: 200 for 0.2.0."""
    return int(_library.chargen_version_number())
