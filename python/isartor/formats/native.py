"""The native surface, `POST /api/chat`: one prompt in, `{layer, message, model}` out.

No provider speaks it: a prompt always goes out in another format, and of the reply only the text comes back.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NoReturn

import msgspec

from isartor.errors import NotImplementedFormatError, RequestError
from isartor.formats import reading
from isartor.formats.base import encode, sse
from isartor.formats.canonical import Finished, PartBegan, PartGrew, Prompt, Refusal, Text, Turn

if TYPE_CHECKING:
    from isartor.formats.canonical import Event, Failed, FormatName, Part, Reply, StreamReader
    from isartor.ports import Quirk

_SERVER_ERROR: Final = 500
_WELL: Final = frozenset({"end", "stop_sequence"})
_FILTERED: Final = frozenset({"filter", "refusal", "pause"})
_CLOUD: Final = 3


class Native:
    """The client's side of a format, and the product's own error shape."""

    name: Final[FormatName] = "native"

    def error(
        self, status: int, message: str, *, code: str, param: str | None = None, request_id: str | None = None
    ) -> bytes:
        """`{"error": code, "message", ...}`; what comes from L3 or its absence also says `layer_reached`."""
        body: dict[str, object] = {"error": code, "message": message}
        if param is not None:
            body["param"] = param
        if status >= _SERVER_ERROR:
            body["layer_reached"] = "L3"
        if request_id is not None:
            body["request_id"] = request_id
        return encode(body)

    def stream_error(self, status: int, message: str, *, code: str, request_id: str | None = None) -> bytes:
        """Write one event; the native surface does not stream, so nothing asks for it today."""
        return sse(self.error(status, message, code=code, request_id=request_id), "error")

    def read_request(self, body: bytes, *, model: str, stream: bool) -> Prompt:
        """One turn of the user's. Fields beside the prompt have been read by the gate, or mean nothing."""
        prompt = reading.body(body).needed("prompt")
        if not prompt:
            message = "prompt must not be empty."
            raise RequestError(message, param="prompt")
        return Prompt(origin="native", model=model, turns=[Turn(role="user", parts=[Text(text=prompt)])], stream=stream)

    def write_reply(self, reply: Reply, prompt: Prompt) -> bytes:
        """`{layer, message, model}`, and `finish_reason` unless the reply came to its own end."""
        stop = None if reply.stop in _WELL else reply.stop
        return _reply(_CLOUD, _said(reply.parts), reply.model or prompt.model, stop)

    def stream_writer(self, prompt: Prompt) -> Writer:
        """For a provider that answers with a stream although none was asked for."""
        return Writer(prompt)

    def write_request(self, prompt: Prompt, quirks: frozenset[Quirk] = frozenset()) -> NoReturn:
        """Raise: there is no provider of this format."""
        del prompt, quirks
        raise _clients_only()

    def read_reply(self, body: bytes) -> NoReturn:
        """Raise: there is no provider of this format."""
        del body
        raise _clients_only()

    def stream_reader(self) -> StreamReader:
        """Raise: there is no provider of this format."""
        raise _clients_only()

    def read_error(self, status: int, body: bytes) -> Failed:
        """Raise: there is no provider of this format."""
        del status, body
        raise _clients_only()


class Writer:
    """Collects a stream's text: a native reply is one JSON object; `isartor.formats.canonical.StreamWriter`."""

    def __init__(self, prompt: Prompt) -> None:
        """`prompt` tells the model if the provider does not."""
        self._model = prompt.model
        self._texts: dict[int, list[str]] = {}

    def write(self, event: Event) -> bytes:
        """Nothing before the end, then the whole reply."""
        match event:
            case PartBegan(part=Text() | Refusal() as part):
                self._texts[event.index] = [part.text]
            case PartGrew() if event.index in self._texts:
                self._texts[event.index].append(event.text)
            case Finished():
                return _reply(_CLOUD, "".join(chain.from_iterable(self._texts.values())), self._model)
            case _:
                self._model = getattr(event, "model", None) or self._model
        return b""


def _clients_only() -> NotImplementedFormatError:
    return NotImplementedFormatError("The native format is one of clients; no provider speaks it.")


def _said(parts: list[Part]) -> str:
    """The text of a reply; a refusal in the model's words is an answer to whoever sees nothing else."""
    return "".join(part.text for part in parts if isinstance(part, Text | Refusal))


def reply(layer: int, message: str, model: str, finish_reason: str | None = None) -> bytes:
    """Return the native reply body; `layer` says who answered: 1 cache, 2 small model, 3 cloud."""
    said: dict[str, object] = {"layer": layer, "message": message, "model": model}
    if finish_reason is not None:
        said["finish_reason"] = finish_reason
    return encode(said)


_reply: Final = reply


def from_layer(layer: int, body: bytes) -> bytes | None:
    """Return the native reply `body` as the answer of another layer; `None` if it was filtered, so not to be kept."""
    said: dict[str, Any] = msgspec.json.decode(body)
    return None if said.get("finish_reason") in _FILTERED else encode(said | {"layer": layer})


def prompt_of(body: bytes) -> str:
    """Return the prompt of a native request that has been read before."""
    return str(msgspec.json.decode(body)["prompt"])
