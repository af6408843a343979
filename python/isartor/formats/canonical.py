"""One request, one reply and one stream in no provider's format: what every format is read into and written from.

A part that only one format knows is `Opaque`, a field that only one knows stands in `extra` under that format's own
name: written back to the same format both come out as they went in; towards another one `losses` decides whether the
request is refused or the field is dropped. JSON inside strings (tool arguments) stays the text it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

if TYPE_CHECKING:
    from isartor.ports import Quirk

FormatName = Literal["openai_chat", "openai_responses", "anthropic", "gemini", "native"]

Role = Literal["system", "developer", "user", "assistant", "tool"]

Stop = Literal["end", "length", "tool_calls", "stop_sequence", "filter", "refusal", "pause"]
"""Why a reply ended. `pause`: the provider wants to be asked again with the same turns."""


class _Base(msgspec.Struct, kw_only=True):
    """What everything here has."""

    extra: dict[str, Any] = {}
    """Fields of the format it was read from that have no word here, by their own name. Hints of layout (was it a string
    or a list of one) begin with `~` and mean nothing to other formats.
    """


class Text(_Base, tag="text"):
    """Plain text."""

    text: str


class Media(msgspec.Struct, kw_only=True):
    """Bytes by value or by reference; exactly one of `data`, `url` and `file` is set."""

    mime: str | None = None
    data: str | None = None
    """Base64."""
    url: str | None = None
    file: str | None = None
    """Id of a file that the provider keeps: no other provider has it."""


class Image(_Base, tag="image"):
    """A picture. `detail`: OpenAI's `low`, `high`, `auto`, `original`."""

    media: Media
    detail: str | None = None


class Document(_Base, tag="document"):
    """A PDF or another file. `text`: its plain text, if that is how it was given."""

    media: Media
    text: str | None = None
    name: str | None = None


class Audio(_Base, tag="audio"):
    """A recording."""

    media: Media


class Thinking(_Base, tag="thinking"):
    """What a model thought. Only the provider whose `maker` it is can take `sealed` back.

    `text` is empty where the provider shows none. `sealed`: Anthropic's signature or redacted data, the Responses API's
    encrypted content, Gemini's thought signature. `redacted`: `sealed` is all there is.
    """

    text: str = ""
    sealed: str | None = None
    maker: FormatName | None = None
    redacted: bool = False
    id: str | None = None


class ToolCall(_Base, tag="tool_call"):
    """A call that the model wants made. `arguments`: JSON as text, or free text if `custom`.

    `sealed`: Gemini's thought signature of this call.
    """

    id: str
    name: str
    arguments: str = "{}"
    custom: bool = False
    sealed: str | None = None


class ToolResult(_Base, tag="tool_result"):
    """What came of a call. `name`: of the tool, where the format says it or an earlier turn does."""

    id: str
    parts: list[Part]
    name: str | None = None
    failed: bool = False


class Refusal(_Base, tag="refusal"):
    """The model's own words for not answering."""

    text: str


class Opaque(msgspec.Struct, kw_only=True, tag="opaque"):
    """A part that only one format knows. `kind`: its type there."""

    origin: FormatName
    kind: str
    value: Any


Part = Text | Image | Document | Audio | Thinking | ToolCall | ToolResult | Refusal | Opaque


class Turn(_Base):
    """One message. A system text that stands beside the messages is a turn with `apart`, before all others."""

    role: Role
    parts: list[Part]
    apart: bool = False
    name: str | None = None


class Tool(_Base):
    """A function that the model may call. `schema`: JSON Schema of its arguments; `custom`: takes free text."""

    name: str
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    custom: bool = False
    opaque: Opaque | None = None
    """Set for a tool that the provider runs itself (web search, code): only its own format can say it."""


class ToolChoice(msgspec.Struct, kw_only=True):
    """Whether tools are to be called. `names`: only these (one, or Gemini's and the Responses API's lists)."""

    mode: Literal["auto", "none", "required"]
    names: list[str] = []
    extra: dict[str, Any] = {}


class Output(msgspec.Struct, kw_only=True):
    """The form of the reply's text. `json`: any JSON value; `schema`: JSON of this schema."""

    kind: Literal["text", "json", "schema"]
    name: str | None = None
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    extra: dict[str, Any] = {}


class Reasoning(msgspec.Struct, kw_only=True):
    """How much the model thinks. `enabled` is `None` if the client leaves it to the model.

    `effort`: `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`. `budget_tokens`: Anthropic's and Gemini's.
    `show`: whether its thoughts are wanted; `None` for the format's default.
    """

    enabled: bool | None = None
    effort: str | None = None
    budget_tokens: int | None = None
    show: bool | None = None
    extra: dict[str, Any] = {}


class Prompt(_Base):
    """One request. A field that is `None` was not given."""

    origin: FormatName
    model: str
    turns: list[Turn]
    stream: bool = False
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: list[str] | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    output: Output | None = None
    reasoning: Reasoning | None = None
    verbosity: str | None = None
    user: str | None = None
    include_usage: bool = False
    """Whether a streaming chat client asked for the chunk with the usage."""


class Usage(msgspec.Struct, kw_only=True):
    """Tokens. `input` has `cached` and `cache_write` in it, `output` has `reasoning` in it."""

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0


class Reply(_Base):
    """One complete reply: the assistant's parts in order (text, thinking, tool calls, refusal)."""

    id: str
    model: str
    parts: list[Part]
    stop: Stop
    stop_sequence: str | None = None
    usage: Usage | None = None
    created: int | None = None
    """Unix time in seconds."""
    told: bool = True
    """Whether the provider said why it ended, in a word that is known; see `Finished.told`."""


# -- a stream, event by event. Parts are numbered from 0 in the order in which they begin; one may begin before the
# last has ended (parallel tool calls), and one that has ended gets no more.


class Began(msgspec.Struct, frozen=True):
    """The reply has begun. First event of every stream, once. `usage`: what is known so early, mostly input tokens."""

    id: str
    model: str
    usage: Usage | None = None


class PartBegan(msgspec.Struct, frozen=True):
    """A part begins: `part` is a `Text`, `Thinking`, `ToolCall` or `Refusal`, empty but for its id and name."""

    index: int
    part: Part


class PartGrew(msgspec.Struct, frozen=True):
    """More of a part: text of a text, thinking or refusal, arguments of a tool call."""

    index: int
    text: str


class PartSealed(msgspec.Struct, frozen=True):
    """The `sealed` of a thinking part (`maker` says whose) or of a tool call; at most once a part, before its end."""

    index: int
    sealed: str
    maker: FormatName


class PartEnded(msgspec.Struct, frozen=True):
    """A part is complete."""

    index: int


class Finished(msgspec.Struct, frozen=True):
    """The reply is complete: last event of a good stream, once. All parts have ended before it."""

    stop: Stop
    stop_sequence: str | None = None
    usage: Usage | None = None
    told: bool = True
    """Whether the provider has said in a known word why it ended; what ended for no reason may be a part of a reply."""


class Failed(msgspec.Struct, frozen=True):
    """The provider told of an error inside the stream; nothing comes after it. `status`: what it amounts to in HTTP."""

    status: int
    message: str
    code: str
    retry_after: float | None = None
    """Seconds to wait, where the body tells it (Gemini has no header for it)."""


Event = Began | PartBegan | PartGrew | PartSealed | PartEnded | Finished | Failed


class StreamReader(Protocol):
    """Reads one provider's stream."""

    def read(self, event: str | None, data: bytes) -> list[Event]:
        """What one server-sent event says (its name, its data). Raises `UpstreamError` if it is not of the format."""

    def end(self) -> list[Event]:
        """The body has ended: what only its end tells (Gemini's and chat's `Finished`). Nothing if it was cut."""


class StreamWriter(Protocol):
    """Writes one client's stream."""

    def write(self, event: Event) -> bytes:
        """What the client is sent for `event`: complete events, or nothing yet. Never called for `Failed`."""


class Format(Protocol):
    """One format, in both directions. Each is stateless; bodies are JSON.

    Reading a client's request raises `RequestError` with `param`, reading a provider's reply `UpstreamError`.
    """

    @property
    def name(self) -> FormatName:
        """Its name."""

    def read_request(self, body: bytes, *, model: str, stream: bool) -> Prompt:
        """A client's request. `model`, `stream`: resolved already (from the path, for Gemini)."""

    def write_request(self, prompt: Prompt, quirks: frozenset[Quirk] = frozenset()) -> tuple[bytes, list[str]]:
        """The body for a provider, and the client's fields that were dropped on the way (see `losses`)."""

    def read_reply(self, body: bytes) -> Reply:
        """A provider's reply with a status of 2xx."""

    def write_reply(self, reply: Reply, prompt: Prompt) -> bytes:
        """The reply for the client whose request was `prompt`."""

    def stream_reader(self) -> StreamReader:
        """For one stream of a provider."""

    def stream_writer(self, prompt: Prompt) -> StreamWriter:
        """For one stream to the client whose request was `prompt`."""

    def read_error(self, status: int, body: bytes) -> Failed:
        """A provider's error reply: its message for a person, its own code or type."""
