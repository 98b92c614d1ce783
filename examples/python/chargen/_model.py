"""Models, and patterns for their characters."""

from __future__ import annotations

import ctypes
import operator
import os
from typing import TYPE_CHECKING, Any, Callable, Union

from ._library import _HANDLE, _SIZE, Error, Status, _check, _code, _decode, _encoded, _library
from ._owner import _Owner

if TYPE_CHECKING:
    import array
    import mmap

    Buffer = Union[bytes, bytearray, memoryview, mmap.mmap, array.array[int], Any]


class Model(_Owner):
    """A trained model, immutable. Its sessions remain valid when it is closed."""

    def __init__(self, path: str | bytes | os.PathLike[str]) -> None:
        """Loads a .cgw file."""
        name = os.fsencode(path)
        if b"\0" in name:
            raise ValueError("a path cannot have a NUL in it")
        handle = _HANDLE()
        _check(_library.chargen_model_load_file(name, ctypes.byref(handle)))
        self._adopt(handle, os.path.abspath(os.fsdecode(name)))

    @classmethod
    def from_bytes(cls, data: Buffer) -> Model:
        """Loads the bytes of a .cgw file: bytes, bytearray, memoryview, mmap, a NumPy array."""
        try:
            copy = data if isinstance(data, bytes) else memoryview(data).tobytes()
        except TypeError:
            raise TypeError(f"a model is loaded from bytes, not from a {type(data).__name__}") from None
        handle = _HANDLE()
        _check(_library.chargen_model_load_memory(copy, len(copy), ctypes.byref(handle)))
        model = cls.__new__(cls)
        model._adopt(handle, copy)
        return model

    @classmethod
    def from_descriptor(cls, descriptor: int) -> Model:
        """Loads a model from an open file descriptor, from its present place to its end.

        It stays open. What a file object has read in advance is not read again. The model cannot be
        pickled."""
        number = operator.index(descriptor)
        handle = _HANDLE()
        # ctypes would truncate it.
        _check(_library.chargen_model_load_descriptor(number if 0 <= number < 2**31 else -1, ctypes.byref(handle)))
        model = cls.__new__(cls)
        model._adopt(handle, None)
        return model

    def _adopt(self, handle: ctypes.c_void_p, source: str | bytes | None) -> None:
        super().__init__(handle, _library.chargen_model_free)
        #: What sessions ask for, also after the model is closed.
        self._source = source
        self._symbols = int(_library.chargen_model_character_count(handle)) + 1
        self._ends = bool(_library.chargen_model_has_end_of_document(handle))
        self._labels = {
            _decode(_library.chargen_model_label_column(handle, column)): [
                _decode(_library.chargen_model_label(handle, column, label))
                for label in range(_library.chargen_model_label_count(handle, column))]
            for column in range(_library.chargen_model_label_column_count(handle))}

    def __reduce_ex__(self, _: Any) -> Any:
        """A copy, or what is unpickled, loads the file or the bytes again."""
        with self._guard.lock:
            self._handle()
        if self._source is None:
            raise TypeError("a Model that was loaded from a descriptor cannot be copied or pickled")
        return (Model if isinstance(self._source, str) else Model.from_bytes), (self._source,)

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def cell(self) -> str:
        """The kind of recurrent cell: "rnn", "gru" or "lstm"."""
        return _decode(self._call(_library.chargen_model_cell))

    @property
    def backend(self) -> str:
        """The kernels in use: "portable", "avx2", "avx512" or "dotprod"."""
        return _decode(self._call(_library.chargen_model_backend))

    @property
    def weights(self) -> str:
        """The type of the weights between the layers: "f32", "bf16", "int8" or "int4"."""
        return _decode(self._call(_library.chargen_model_weight_type))

    @property
    def layers(self) -> int:
        """The number of recurrent layers."""
        return int(self._call(_library.chargen_model_layer_count))

    @property
    def hidden_size(self) -> int:
        """The number of units of each layer."""
        return int(self._call(_library.chargen_model_hidden_size))

    @property
    def parameters(self) -> int:
        """The number of weights and biases."""
        return int(self._call(_library.chargen_model_parameter_count))

    @property
    def provenance(self) -> str:
        """The origin of the model: the JSON object that the trainer wrote."""
        length = _SIZE()
        with self._guard.lock:
            text = self._call(_library.chargen_model_provenance, ctypes.byref(length))
            return _decode(ctypes.string_at(text, length.value))

    @property
    def characters(self) -> str:
        """The characters that the model knows, in ascending order."""
        character = ctypes.c_uint32()
        characters = []
        for index in range(self._call(_library.chargen_model_character_count)):
            self._do(_library.chargen_model_character, index, ctypes.byref(character))
            characters.append(chr(character.value))
        return "".join(characters)

    @property
    def labels(self) -> dict[str, list[str]]:
        """The columns of labels that the model was trained with, each with its labels."""
        return {column: list(labels) for column, labels in self._labels.items()}

    def _column(self, name: str | None) -> tuple[int, list[str]]:
        """The number and the labels of a column; the first for None."""
        if not self._labels:
            raise ValueError("the model has no labels")
        if name is None:
            name = next(iter(self._labels))
        if name not in self._labels:
            raise ValueError(f"the model has no column {name!r}, but {list(self._labels)}")
        return list(self._labels).index(name), self._labels[name]

    def __contains__(self, character: object) -> bool:
        """Whether the model knows a character."""
        if not isinstance(character, str) or len(character) != 1:
            return False
        return bool(self._call(_library.chargen_model_knows, ord(character)))

    def nearest(self, character: str) -> str | None:
        """The character that the model knows and that is nearest to another: itself, or another
        width, case or form, or without its accent; None if there is none."""
        nearest = ctypes.c_uint32()
        try:
            self._do(_library.chargen_model_nearest, _code(character), ctypes.byref(nearest))
        except Error as error:
            if error.status != Status.UNKNOWN_CHARACTER:
                raise
            return None
        return chr(nearest.value)

    def verify(self) -> bool:
        """Checks that the model generates here what it generated when it was exported.

        False if the file has no self-test; an Error if it fails."""
        has_self_test = ctypes.c_int32()
        self._do(_library.chargen_model_verify, ctypes.byref(has_self_test))
        return bool(has_self_test.value)

    @property
    def has_end_of_document(self) -> bool:
        """Whether the model has learned where documents end."""
        return bool(self._call(_library.chargen_model_has_end_of_document))

    @property
    def has_unknown(self) -> bool:
        """Whether the model reads characters that it does not know as an unknown symbol."""
        return bool(self._call(_library.chargen_model_has_unknown))


class Pattern(_Owner):
    """A regular expression that generated text matches as a whole, for the characters of a model.

        session.pattern = Pattern(model, r"[0-9]{4}-[01][0-9]-[0-3][0-9]")

    Immutable: any number of sessions and threads may share it.
    """

    #: How to make another one like it.
    _made_by: tuple[Callable[..., Pattern], tuple[Any, ...]]

    def __init__(self, model: Model, expression: str) -> None:
        """Compiles an expression; docs/patterns.md specifies the syntax."""
        data = _encoded(expression)
        handle = _HANDLE()
        model._do(_library.chargen_pattern_create, data, len(data), ctypes.byref(handle))
        super().__init__(handle, _library.chargen_pattern_free)
        self._made_by = Pattern, (model, expression)

    @classmethod
    def template(cls, model: Model, text: str, free: str = "_", choices: str = "") -> Pattern:
        """A pattern of texts like `text`, in which `free` stands for any character of `choices`.

        Without them it stands for any that the model knows but the line break."""
        data, characters = _encoded(text), _encoded(choices)
        handle = _HANDLE()
        model._do(
            _library.chargen_pattern_create_template, data, len(data), _code(free), characters, len(characters),
            ctypes.byref(handle))
        pattern = cls.__new__(cls)
        _Owner.__init__(pattern, handle, _library.chargen_pattern_free)
        pattern._made_by = Pattern.template, (model, text, free, choices)
        return pattern

    def __reduce_ex__(self, _: Any) -> Any:
        """A copy, or what is unpickled, is compiled again."""
        with self._guard.lock:
            self._handle()
        return self._made_by
