"""What a provider says of the tokens of a reply that is not whole, or not to be kept: it costs all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isartor.errors import IsartorError
from isartor.formats import FORMATS, sse
from isartor.formats.canonical import Began, Finished
from isartor.formats.translate import CLIENTS, tally_of

if TYPE_CHECKING:
    from isartor.formats.canonical import Usage
    from isartor.ports import Tally


def usage_of(endpoint: str, body: bytes, *, stream: bool) -> Tally | None:
    """Tokens that `body`, the reply to `endpoint`, names itself; `None` if it names none or cannot be read.

    `stream`: server-sent events, perhaps cut: then what was told before counts.
    """
    form = FORMATS.get(CLIENTS.get(endpoint, ""))
    if form is None or endpoint == "native":
        return None
    found: Usage | None = None
    try:
        if not stream:
            found = form.read_reply(body).usage
        else:
            events, reader = sse.Events(), form.stream_reader()
            for name, data in [*events.feed(body), *events.end()]:
                for event in reader.read(name, data):
                    if isinstance(event, Began | Finished) and event.usage is not None:
                        found = event.usage
    except IsartorError:
        pass  # what came before the part that cannot be read still counts
    return None if found is None or not (found.input or found.output) else tally_of(found)
