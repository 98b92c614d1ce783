"""Sessions: texts that a model continues."""

from __future__ import annotations

import ctypes
import functools
import importlib
import itertools
import sys
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping, Sequence

from ._library import (
    _END_OF_DOCUMENT, _HANDLE, _NO_LIMIT, _POLICIES, _SIZE, _STOPPED, EndReason, _character, _code, _decode, _encoded,
    _library, _size, _texts,
)
from ._model import Model, Pattern
from ._owner import _in_use, _Interruptible

if TYPE_CHECKING:
    from ._model import Buffer


class Session(_Interruptible):
    """One stream of text from a model.

    Iterating yields characters up to the end of a document; with a model that was not trained on
    documents it never ends. A further iteration begins the next document.
    """

    def __init__(
        self, model: Model, *, temperature: float = 1.0, seed: int = 0, skip_unknown: bool = False, threads: int = 1
    ) -> None:
        """A session at the beginning of a text. The settings are properties too."""
        handle = _HANDLE()
        model._do(_library.chargen_session_create, ctypes.byref(handle))
        self._adopt(handle, model)
        self.temperature = temperature
        self.seed = seed
        self.skip_unknown = skip_unknown
        self.threads = threads

    def _adopt(self, handle: ctypes.c_void_p, model: Model) -> None:
        super().__init__(
            handle, _library.chargen_session_free, _library.chargen_session_set_interrupt, model.parameters)
        self._model = model
        self._pattern: Pattern | None = None
        self._stop_strings: list[str] = []

    def copy(self) -> Session:
        """A session at the same place of the same text, with the same settings and one thread,
        which continues independently."""
        handle = _HANDLE()
        self._do(_library.chargen_session_clone, ctypes.byref(handle))
        other = self._like(handle)
        other._pattern, other._stop_strings = self._pattern, list(self._stop_strings)
        return other

    def create_sharing(self) -> Session:
        """A new session of the same model that shares the memory which does not belong to a text.

        Sessions that share memory are used by one thread at a time, together.
        """
        handle = _HANDLE()
        self._do(_library.chargen_session_create_sharing, ctypes.byref(handle))
        other = self._like(handle)
        other._guard = self._guard
        return other

    def _like(self, handle: ctypes.c_void_p) -> Session:
        """A session of the same model that owns another handle."""
        other = Session.__new__(Session)
        other._adopt(handle, self._model)
        return other

    def snapshot(self) -> bytes:
        """All that decides how the text goes on, as bytes for restore()."""
        buffer = ctypes.create_string_buffer(self._call(_library.chargen_session_snapshot_size))
        length = _SIZE()
        self._do(_library.chargen_session_snapshot, buffer, len(buffer), ctypes.byref(length))
        return buffer.raw[: length.value]

    @classmethod
    def restore(cls, model: Model, snapshot: bytes) -> Session:
        """A session that goes on as the one did that the snapshot was taken of.

        Its `pattern` and `stop_strings` hold, but these attributes do not show them.
        """
        handle = _HANDLE()
        data = bytes(snapshot)
        model._do(_library.chargen_session_restore, data, len(data), ctypes.byref(handle))
        session = cls.__new__(cls)
        session._adopt(handle, model)
        return session

    def __reduce_ex__(self, _: Any) -> Any:
        """Pickles the model's source and a snapshot. What is unpickled has one thread."""
        return _unpickled, (self._model, self.snapshot(), self._pattern, self._stop_strings)

    @property
    def undo_count(self) -> int:
        """The characters that undo() can take back now."""
        return int(self._call(_library.chargen_session_undo_count))

    def set_undo(self, characters: int) -> None:
        """Has the session keep what it was before each of its last characters; 0 for none."""
        self._do(_library.chargen_session_set_undo, _size(characters))

    def undo(self, characters: int = 1) -> None:
        """Undoes the last characters, whether they were fed or generated."""
        self._do(_library.chargen_session_undo, _size(characters))

    @property
    def size(self) -> tuple[int, int]:
        """The bytes of memory for the session's own text, and of the memory that it works in."""
        shared = _SIZE()
        own = int(self._call(_library.chargen_session_size, ctypes.byref(shared)))
        return own, shared.value

    @property
    def state(self) -> list[float]:
        """The recurrent state: layer by layer the hidden state, then, for an LSTM, the cell state.

        Setting it leaves the random generator and the settings as they are. Hidden states must be
        from -1 to 1."""
        count = int(self._call(_library.chargen_session_state_size))
        values = (ctypes.c_float * count)()
        self._do(_library.chargen_session_get_state, values, count)
        return list(values)

    @state.setter
    def state(self, values: Sequence[float]) -> None:
        array = (ctypes.c_float * len(values))(*values)
        self._do(_library.chargen_session_set_state, array, len(values))

    def set_label(self, label: str | Mapping[str, float] | None, column: str | None = None) -> None:
        """Chooses the label of the documents that begin from now on, this one if it is at its
        beginning: a label of a column (of the first, if none is named), None for no label, or a
        mixture, such as {"Sports": 0.7, "Business": 0.3}."""
        number, labels = self._model._column(column)
        weights = label if isinstance(label, Mapping) else {} if label is None else {label: 1.0}
        for name in weights:
            if name not in labels:
                raise ValueError(f"the column has no label {name!r}, but {labels}")
        if label is None:
            return self._do(_library.chargen_session_set_label, number, -1)
        array = (ctypes.c_float * len(labels))(*(weights.get(name, 0) for name in labels))
        self._do(_library.chargen_session_set_label_weights, number, array, len(labels))

    def set_initial_state(self, values: Sequence[float] | None) -> None:
        """Chooses the state that documents begin from, as `state` has it; None for that of no
        label."""
        if values is None:
            return self._do(_library.chargen_session_set_initial_state, None, 0)
        array = (ctypes.c_float * len(values))(*values)
        self._do(_library.chargen_session_set_initial_state, array, len(values))

    def classify(self, text: str, column: str | None = None, whole: bool = True) -> dict[str, float]:
        """The probability of each label of a column for a text, if all are equally probable before
        the text is known. With `whole`, the end of the text counts too.

        The session's own text stays as it is; its labels of other columns count."""
        number, labels = self._model._column(column)
        data = _encoded(text)
        values = (ctypes.c_float * len(labels))()
        self._do_long(
            len(text) * len(labels), _library.chargen_session_classify, number, data, len(data), int(whole), values,
            len(labels))
        return dict(zip(labels, values))

    def classify_prefixes(self, text: str, column: str | None = None) -> list[dict[str, float]]:
        """What classify() gives for the text up to each character, as one that may go on."""
        number, labels = self._model._column(column)
        data = _encoded(text)
        values, count = (ctypes.c_float * (len(labels) * len(text) or 1))(), _SIZE()
        self._do_long(
            len(text) * len(labels), _library.chargen_session_classify_prefixes, number, data, len(data), values,
            len(values), ctypes.byref(count))
        rows = (values[place : place + len(labels)] for place in range(0, count.value * len(labels), len(labels)))
        return [dict(zip(labels, row)) for row in rows]

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
        return float(self._call(_library.chargen_session_temperature))

    @temperature.setter
    def temperature(self, value: float) -> None:
        self._do(_library.chargen_session_set_temperature, value)

    @property
    def seed(self) -> int:
        """The random generator's seed, 0 to 2**64 - 1. Setting it restarts the generator."""
        return int(self._call(_library.chargen_session_seed))

    @seed.setter
    def seed(self, value: int) -> None:
        if not 0 <= value < 2**64:
            raise ValueError(f"the seed must be from 0 to 2**64 - 1, not {value}")
        self._do(_library.chargen_session_set_seed, value)

    @property
    def top_k(self) -> int:
        """The most characters to choose from, the likeliest; 0 for all."""
        return int(self._call(_library.chargen_session_top_k))

    @top_k.setter
    def top_k(self, value: int) -> None:
        if value < 0:
            raise ValueError(f"top_k must not be negative, but is {value}")
        self._do(_library.chargen_session_set_top_k, _size(value))

    @property
    def top_p(self) -> float:
        """The share of the probability to choose from, of the likeliest characters; 1 for all."""
        return float(self._call(_library.chargen_session_top_p))

    @top_p.setter
    def top_p(self, value: float) -> None:
        self._do(_library.chargen_session_set_top_p, value)

    @property
    def min_p(self) -> float:
        """The least probability to choose, as a part of the likeliest character's; 0 for all."""
        return float(self._call(_library.chargen_session_min_p))

    @min_p.setter
    def min_p(self, value: float) -> None:
        self._do(_library.chargen_session_set_min_p, value)

    @property
    def penalties(self) -> tuple[float, float, int]:
        """The repetition penalty, the frequency penalty, and the number of characters that count.

        The first is subtracted once from the logit of each character among the last ones, the
        second for each time. A window of another length is empty at first.
        """
        return (
            float(self._call(_library.chargen_session_repetition_penalty)),
            float(self._call(_library.chargen_session_frequency_penalty)),
            int(self._call(_library.chargen_session_penalty_window)),
        )

    @penalties.setter
    def penalties(self, value: tuple[float, float, int]) -> None:
        repetition, frequency, window = value
        self._do(_library.chargen_session_set_penalties, repetition, frequency, _size(window))

    def set_bias(self, character: str | None, bias: float) -> None:
        """Adds to a character's logit; -math.inf bans it. None is the end of a document."""
        self._do(_library.chargen_session_set_bias, _code(character), bias)

    def bias(self, character: str | None) -> float:
        """The bias of a character; None is the end of a document."""
        return float(self._call(_library.chargen_session_bias, _code(character)))

    def set_allowed(self, characters: str) -> None:
        """Restricts generated text to some characters; "" allows all. Documents end as before."""
        data = _encoded(characters)
        self._do(_library.chargen_session_set_allowed, data, len(data))

    def allows(self, character: str | None) -> bool:
        """Whether the session may generate a character; None is the end of a document."""
        return bool(self._call(_library.chargen_session_allows, _code(character)))

    @property
    def pattern(self) -> Pattern | None:
        """The pattern that each generated text matches, from when it is set; None for any text."""
        return self._pattern

    @pattern.setter
    def pattern(self, value: Pattern | None) -> None:
        with _in_use(self, *() if value is None else (value,)):
            self._do(_library.chargen_session_set_pattern, None if value is None else value._handle())
            self._pattern = value

    @property
    def max_length(self) -> int:
        """The most characters of a text, counted from when it is set; 0 for any number."""
        return int(self._call(_library.chargen_session_max_length))

    @max_length.setter
    def max_length(self, value: int) -> None:
        if value < 0:
            raise ValueError(f"max_length must not be negative, but is {value}")
        self._do(_library.chargen_session_set_max_length, _size(value))

    @property
    def may_end(self) -> bool:
        """Whether the text generated so far matches the pattern; True without one."""
        return bool(self._call(_library.chargen_session_may_end))

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
        texts, lengths = _texts(strings)
        self._do(_library.chargen_session_set_stop_strings, texts, lengths, len(strings))
        self._stop_strings = strings

    @property
    def held(self) -> int:
        """The characters that are held back, since a stop string may begin with them."""
        return int(self._call(_library.chargen_session_held_count))

    @property
    def end_reason(self) -> EndReason:
        """Why the text that was generated last came to its end."""
        return EndReason(self._call(_library.chargen_session_end_reason))

    @property
    def stopped_at(self) -> str | None:
        """The stop string at which the text that was generated last came to its end."""
        number = int(self._call(_library.chargen_session_stop_string))
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
        with self._guard.lock:
            replacement = int(self._call(_library.chargen_session_replacement))
            if replacement != _END_OF_DOCUMENT:
                return chr(replacement)
            return _POLICIES[self._call(_library.chargen_session_unknown)]

    @unknown.setter
    def unknown(self, value: str) -> None:
        for number, name in _POLICIES.items():
            if name == value:
                return self._do(_library.chargen_session_set_unknown, number)
        if not isinstance(value, str) or len(value) != 1:
            raise ValueError(f'unknown must be "fail", "skip", "nearest" or a single character, not {value!r}')
        self._do(_library.chargen_session_set_replacement, ord(value))

    @property
    def threads(self) -> int:
        """The threads per character, 1 to 64. More than one pays for large models only."""
        return int(self._call(_library.chargen_session_threads))

    @threads.setter
    def threads(self, value: int) -> None:
        with self._guard.lock:
            self._do(_library.chargen_session_set_threads, _size(value))
            self._has_threads = value > 1

    @property
    def ended(self) -> bool:
        """Whether the end of a document was generated or read last."""
        return bool(self._call(_library.chargen_session_ended))

    def reset(self) -> None:
        """Discards all text and restarts the random generator, so that the same calls give the same
        text again."""
        self._do(_library.chargen_session_reset)

    def feed(self, text: str) -> None:
        """Reads text as if the session had generated it, so that generated text continues it."""
        data = _encoded(text)
        self._do_long(len(text), _library.chargen_session_feed, data, len(data))

    def feed_piece(self, piece: Buffer) -> None:
        """Reads a piece of a text in UTF-8, which may be cut inside a character: its rest is to be
        in the next piece. An empty piece ends the text; an Error if a character is unfinished."""
        data = piece if isinstance(piece, bytes) else memoryview(piece).tobytes()
        self._do_long(len(data), _library.chargen_session_feed_piece, data, len(data))

    def feed_end(self) -> None:
        """Reads the end of a document as if the session had generated it."""
        self._do(_library.chargen_session_feed_character, _END_OF_DOCUMENT)

    def score(self, text: str, end: bool = False) -> tuple[float, int]:
        """Reads text as feed() does, and returns its log-probability and its number of characters.

        The log-probability is the sum of the natural logarithms of each character's probability
        given the characters before it. Bits per character are
        -log_probability / (characters * log(2)). With `end`, the end of the document is read after
        the text, and counts as a character.
        """
        data = _encoded(text)
        log_probability, characters = ctypes.c_double(), _SIZE()
        score = _library.chargen_session_score_document if end else _library.chargen_session_score
        self._do_long(
            len(text), score, data, len(data), ctypes.byref(log_probability), ctypes.byref(characters))
        return log_probability.value, characters.value

    def score_characters(self, text: str) -> list[float]:
        """Reads text as score() does, and returns the log-probability of each of its characters.

        That of a character that is skipped is 0.
        """
        data = _encoded(text)
        scores, count = (ctypes.c_double * len(text))(), _SIZE()
        self._do_long(
            len(text), _library.chargen_session_score_characters, data, len(data), scores, len(text),
            ctypes.byref(count))
        return list(scores)

    def likeliest(self, k: int) -> list[tuple[str | None, float]]:
        """The k likeliest next characters with their probabilities; None is the end of a document.

        At temperature 1, whatever the settings.
        """
        if k < 0:
            raise ValueError(f"k must not be negative, but is {k}")
        room = min(k, self._model._symbols)
        characters, values, count = (ctypes.c_uint32 * room)(), (ctypes.c_float * room)(), _SIZE()
        self._do(_library.chargen_session_likeliest, room, characters, values, ctypes.byref(count))
        return [(_character(characters[i]), values[i]) for i in range(count.value)]

    def probability(self, character: str | None) -> float:
        """The probability that a character comes next; None is the end of a document."""
        value = ctypes.c_float()
        self._do(_library.chargen_session_probability, _code(character), ctypes.byref(value))
        return value.value

    def log_probability(self, character: str | None) -> float:
        """The natural logarithm of a character's probability, as score() would count it."""
        value = ctypes.c_double()
        self._do(_library.chargen_session_log_probability, _code(character), ctypes.byref(value))
        return value.value

    def probabilities(self) -> Sequence[float]:
        """The probabilities of what may come next, at temperature 1, whatever the settings.

        One for each of the model's characters, then one for the unknown symbol and one for the end
        of a document, if the model has them. A NumPy array where NumPy is installed, otherwise a
        list.
        """
        return self._numbers(_library.chargen_session_probabilities)

    def log_probabilities(self) -> Sequence[float]:
        """The natural logarithms of probabilities()."""
        return self._numbers(_library.chargen_session_log_probabilities)

    def logits(self) -> Sequence[float]:
        """The logits of what may come next, in the order of probabilities()."""
        return self._numbers(_library.chargen_session_logits)

    def _numbers(self, function: Any) -> Sequence[float]:
        values, count = ctypes.POINTER(ctypes.c_float)(), _SIZE()
        with self._guard.lock:
            self._do(function, ctypes.byref(values), ctypes.byref(count))
            numpy = _numpy()
            if numpy is None:
                return values[: count.value]
            array: Sequence[float] = numpy.ctypeslib.as_array(values, (count.value,)).copy()
            return array

    def __iter__(self) -> Iterator[str]:
        character = ctypes.c_uint32()
        reference = ctypes.byref(character)
        while True:
            self._do(_library.chargen_session_next, reference)
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
        with self._guard.lock:
            while wanted > 0:
                self._do_long(
                    min(wanted, len(buffer)), _library.chargen_session_generate, wanted, buffer, len(buffer),
                    ctypes.byref(length))
                part = _decode(buffer.raw[: length.value])
                parts.append(part)
                wanted -= len(part)
                if self.end_reason not in (EndReason.LIMIT, EndReason.BUFFER):
                    break
        return "".join(parts)

    def stream(self, callback: Callable[[str], object], max_characters: int | None = None) -> None:
        """Calls `callback` with each character as soon as it is generated; ends as generate() does.

        A true value from the callback stops it, and so does an exception, which comes out of this
        call. The callback may use this session. The character that it is given is already part of
        the session's text.
        """
        for character in itertools.islice(self, min(self._limit(max_characters), sys.maxsize)):
            if callback(character):
                return

    def _limit(self, max_characters: int | None) -> int:
        if max_characters is not None:
            if max_characters < 0:
                raise ValueError("max_characters must not be negative")
            return min(max_characters, _NO_LIMIT)
        if not (self._model._ends or self.max_length or self._stop_strings):
            raise ValueError(
                "this model's text never ends: give max_characters, or set max_length or stop_strings")
        return _NO_LIMIT


def _unpickled(model: Model, snapshot: bytes, pattern: Pattern | None, stop_strings: list[str]) -> Session:
    session = Session.restore(model, snapshot)
    # The snapshot has both: these are what the attributes show.
    session._pattern, session._stop_strings = pattern, stop_strings
    return session


@functools.lru_cache(maxsize=None)
def _numpy() -> Any:
    """NumPy, if it is installed."""
    try:
        return importlib.import_module("numpy")
    except ImportError:
        return None
