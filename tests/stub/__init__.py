"""A stub provider: every wire format on one port, told what to do by directives, remembering what it was sent.

`Stub` runs it on a thread of this process; `python -m tests.stub --port N` runs it alone. Its words are in `plan`.
"""

from tests.stub.record import Call
from tests.stub.server import Stub

__all__ = ["Call", "Stub"]
