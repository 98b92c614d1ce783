"""Objects that own something of the library: when they are freed, and which thread may use them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
import weakref
from typing import Any, Callable, Iterable, Iterator

from ._library import _check, _message

#: The work from which a call of the main thread can be interrupted: multiply-adds of some
#: hundredths of a second.
_LONG = 10**9

_owners: weakref.WeakSet[_Owner] = weakref.WeakSet()


class _Guard:
    """Keeps objects that share memory from two calls at a time."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        #: Whether another thread makes a call for the one that has the lock.
        self.is_busy = False


class _Owner:
    """Owns a handle, which close(), the end of a `with` block or the garbage collector frees.

    One thread at a time is in a call with it: another one waits.
    """

    #: Whether the library has started threads for it, which a forked process lacks.
    _has_threads = False

    def __init__(self, handle: ctypes.c_void_p, free: Callable[[ctypes.c_void_p], None]) -> None:
        self._open: ctypes.c_void_p | None = handle
        self._guard = _Guard()
        self._is_stale = False
        self._free = weakref.finalize(self, free, handle)
        _owners.add(self)

    def _handle(self) -> ctypes.c_void_p:
        """The handle, for a thread that has the lock."""
        if self._open is None:
            raise ValueError(f"the {type(self).__name__} is closed")
        if self._is_stale:
            raise RuntimeError(f"the {type(self).__name__} has threads that this forked process lacks: make another")
        if self._guard.is_busy:
            raise RuntimeError(f"the {type(self).__name__} is in a call that has not ended")
        return self._open

    def _call(self, function: Any, *arguments: Any) -> Any:
        """Calls a function with the handle and other arguments."""
        with self._guard.lock:
            try:
                return function(self._handle(), *arguments)
            except ctypes.ArgumentError as error:
                raise TypeError(f"{function.__name__}: {error}") from None

    def _do(self, function: Any, *arguments: Any) -> None:
        """Calls a function that returns a status, and raises an Error unless it succeeds."""
        with self._guard.lock:
            _check(self._call(function, *arguments))

    def close(self) -> None:
        """Frees the memory, once no other thread is in a call. Later use raises ValueError; closing
        again does nothing."""
        with self._guard.lock:
            if self._guard.is_busy:
                self._handle()
            self._open = None
            self._free()

    def __reduce_ex__(self, _: Any) -> Any:
        """Refuses copying and pickling: a second owner would use the handle after it is freed."""
        raise TypeError(f"a {type(self).__name__} cannot be copied or pickled")


class _Interruptible(_Owner):
    """An owner whose long calls Ctrl-C ends."""

    def __init__(
        self, handle: ctypes.c_void_p, free: Callable[[ctypes.c_void_p], None], set_interrupt: Any, parameters: int
    ) -> None:
        super().__init__(handle, free)
        self._flag = ctypes.c_int32(0)
        #: The multiply-adds of a character.
        self._work = parameters
        _check(set_interrupt(handle, ctypes.byref(self._flag)))

    def _do_long(self, characters: int, function: Any, *arguments: Any, others: Iterable[_Owner] = ()) -> None:
        """_do() for a call that takes so many characters through the network, of other objects too,
        whose locks this thread has.

        Python raises KeyboardInterrupt in the main thread only, and not while that is in the
        library. So a call that may take long is made by another thread, for which the main thread
        waits.
        """
        if characters * self._work < _LONG or threading.current_thread() is not threading.main_thread():
            return self._do(function, *arguments)
        with self._guard.lock:
            handle = self._handle()
            guards = [self._guard, *(other._guard for other in others)]
            for guard in guards:
                guard.is_busy = True
            try:
                _check(*self._waited(function, handle, *arguments))
            finally:
                self._flag.value = 0
                for guard in guards:
                    guard.is_busy = False

    def _waited(self, function: Any, *arguments: Any) -> tuple[int, str]:
        """The status and the message of a call by another thread."""
        results: list[tuple[int, str]] = []
        is_done = threading.Lock()

        def work() -> None:
            status = function(*arguments)
            results.append((status, "" if status == 0 else _message()))
            is_done.release()

        is_done.acquire()
        threading.Thread(target=work, daemon=True).start()
        raised: BaseException | None = None
        while not results:
            try:
                is_done.acquire()
            except BaseException as error:  # KeyboardInterrupt, or what a signal handler raises.
                raised = raised or error
                self._flag.value = 1
        if raised:
            raise raised
        return results[0]


@contextlib.contextmanager
def _in_use(*owners: _Owner) -> Iterator[None]:
    """Keeps other threads from using several objects, in whatever order they are given."""
    guards = {id(owner._guard): owner._guard for owner in owners}
    with contextlib.ExitStack() as stack:
        for _, guard in sorted(guards.items()):
            stack.enter_context(guard.lock)
        yield


def _after_fork() -> None:
    """In a forked process: no other thread is left, neither to release a lock nor to work."""
    guards: dict[int, _Guard] = {}
    for owner in list(_owners):
        owner._guard = guards.setdefault(id(owner._guard), _Guard())
        owner._is_stale = owner._has_threads


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
