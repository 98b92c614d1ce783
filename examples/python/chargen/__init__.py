"""Text from a chargen model, character by character.

    from chargen import Model, Session

    with Model("names.cgw") as model, Session(model, seed=42) as session:
        session.feed("Al")
        for character in session:
            print(character, end="", flush=True)

It loads the library that the environment variable CHARGEN_LIBRARY names, or libchargen.so in this
package, in the build folder of the source tree that this is in, or in the system's search path.

Any number of threads may use the same objects; one that is in a call with an object keeps others
waiting. Ctrl-C ends a long call with KeyboardInterrupt: the session is then at a whole character.
After os.fork() the child can use models and sessions, but not what has threads.
"""

from ._batch import Batch
from ._beam import Beam, Continuation
from ._library import EndReason, Error, Status, version, version_number
from ._model import Model, Pattern
from ._session import Session

__all__ = [
    "Batch", "Beam", "Continuation", "EndReason", "Error", "Model", "Pattern", "Session", "Status", "version",
    "version_number",
]  # fmt: skip
