"""Turns of a Gemini request, read, and written as they were."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from msgspec.json import decode

from isartor.formats.base import encode
from isartor.formats.canonical import Opaque, Text, Thinking, ToolCall, ToolResult, Turn
from isartor.formats.gemini import media, signatures
from isartor.formats.gemini.fields import Fields, keep, put_back
from isartor.formats.reading import foreign

if TYPE_CHECKING:
    from collections.abc import Iterable

    from isartor.formats.canonical import Part
    from isartor.formats.losses import Losses
    from isartor.formats.seal import Sealed

_ROLES: Final = frozenset({"user", "model", "function", "tool", None})
_SIGNATURE: Final = "thoughtSignature"
_OUTPUTS: Final = ("output", "result")
# Hints: what else there is of each content that the turn was; how many parts one had; where a text was cut.
_CONTENTS: Final = "~contents"
_COUNT: Final = "~count"
_CUTS: Final = "~cuts"


class Calls:
    """Gives calls and results without an id the same one in every request that repeats them: their number."""

    def __init__(self) -> None:
        """Begin with the first turn."""
        self._open: list[tuple[str, str]] = []
        self._count = 0

    def called(self, name: str, given: str | None) -> str:
        """The id of the next call."""
        found = given or self._next()
        self._open.append((found, name))
        return found

    def answered(self, name: str, given: str | None) -> str:
        """The id of the call that the next result is of: by id, else the first one of that name that has none."""
        at = next((at for at, call in enumerate(self._open) if call[0] == given), None)
        if at is None:
            at = next((at for at, call in enumerate(self._open) if call[1] == name), None)
        return given or self._next() if at is None else self._open.pop(at)[0]

    def _next(self) -> str:
        self._count += 1
        return f"call_{self._count}"


def read(given: Iterable[Fields]) -> list[Turn]:
    """The `contents`. Those of the model that follow on one another are one turn: SDKs keep one for each event."""
    calls = Calls()
    turns: list[Turn] = []
    for each in given:
        _content(each, calls, turns)
    return turns


def _content(given: Fields, calls: Calls, turns: list[Turn]) -> None:
    role = given.text("role")
    if role not in _ROLES:
        raise given.wrong(name="role", what="user or model")
    if role == "model":
        last = turns[-1] if turns and turns[-1].role == "assistant" else None
        turn = last or Turn(role="assistant", parts=[], extra={})
        hints = _parts(given, calls, turn)
        if foreign(hints):
            # Fields that nobody knows: whoever loses them has to say so.
            turn.extra |= {name: value for name, value in hints.items() if not name.startswith("~")}
        turn.extra.setdefault(_CONTENTS, []).append(hints)
        if last is None:
            turns.append(turn)
        return
    turn = Turn(role="user", parts=[], extra={} if role == "user" else {"~role": role})
    turn.extra |= _parts(given, calls, turn)
    if turn.parts and all(isinstance(part, ToolResult) for part in turn.parts):
        turn.role = "tool"
    turns.append(turn)


def read_system(given: Fields) -> Turn:
    """The `systemInstruction`; its role means nothing."""
    turn = Turn(role="system", parts=[], apart=True, extra={"~role": given.text("role")})
    turn.extra |= _parts(given, Calls(), turn)
    return turn


def _parts(given: Fields, calls: Calls, turn: Turn) -> dict[str, Any]:
    """Add the parts of one content to its turn; what else there is of it."""
    hints: dict[str, Any] = {"~none": True} if given.shown("parts") is None else {}
    found = turn.parts
    empty: list[tuple[int, dict[str, Any]]] = []
    each = given.each("parts")
    for at, one in enumerate(each):
        signature = one.text(_SIGNATURE)
        seals = signatures.unpack(signature) if signature else None
        if seals is not None:
            signature = None
            _unsealed(found, seals)
        part = _part(one, calls)
        if isinstance(part, Text) and not part.text and (not signature or signature in signatures.NONE):
            if seals is None:
                # Streams end with one. It says nothing, and other providers refuse it.
                empty.append((at, one.raw()))
            continue
        _add(found, _signed(part, signature), turn)
    if empty:
        hints["~empty"] = empty
    return hints | given.rest() | {_COUNT: len(each)}


def _add(found: list[Part], part: Part, turn: Turn) -> None:
    """Pieces of one text of the model become one again, with a hint of where it was cut."""
    last = found[-1] if found else None
    if (
        turn.role != "assistant"
        or not isinstance(part, Text)
        or not isinstance(last, Text)
        or part.extra
        or not last.extra.keys() <= {_CUTS}
    ):
        found.append(part)
        return
    cuts = [*last.extra.get(_CUTS, ()), len(last.text)]
    found[-1] = Text(text=last.text + part.text, extra={_CUTS: cuts})


def _unsealed(found: list[Part], seals: list[Sealed]) -> None:
    """Add the thoughts of another provider; what the client was shown of them goes."""
    while seals and found and isinstance(found[-1], Thinking) and found[-1].maker == "gemini":
        if found[-1].sealed is not None:
            break
        found.pop()
    found.extend(map(signatures.thought, seals))


def _signed(part: Part, signature: str | None) -> Part:
    if signature is None or isinstance(part, Opaque):
        return part
    if signature in signatures.NONE:
        part.extra["~" + _SIGNATURE] = signature
    elif isinstance(part, ToolCall | Thinking):
        part.sealed = signature
    elif isinstance(part, Text) and not part.text:
        return Thinking(sealed=signature, maker="gemini", extra={**part.extra, "~bare": True})
    else:
        part.extra[_SIGNATURE] = signature
    return part


def _part(given: Fields, calls: Calls) -> Part:
    raw = given.raw()
    part: Part
    call = given.inner("functionCall")
    result = given.inner("functionResponse")
    if call is not None:
        part = _call(call, calls)
    elif result is not None:
        part = _result(result, calls)
    elif (text := given.text("text")) is not None:
        thought = given.flag("thought")
        if thought:
            part = Thinking(text=text, maker="gemini", extra={})
        else:
            part = Text(text=text, extra={} if thought is None else {"~thought": thought})
    else:
        found = media.read(given)
        if found is None:
            kind = next((name for name in raw if name not in {"thought", _SIGNATURE, "partMetadata"}), "part")
            return Opaque(origin="gemini", kind=kind, value=raw)
        part = found
    part.extra |= given.rest()
    return part


def _call(given: Fields, calls: Calls) -> ToolCall:
    name = given.needed("name")
    own = given.text("id")
    args = given.table("args")
    part = ToolCall(id=calls.called(name, own), name=name, arguments=encode(args or {}).decode(), extra={})
    part.extra["~id"] = own
    if args is None:
        part.extra["~args"] = False
    keep(part.extra, "functionCall", given)
    return part


def _result(given: Fields, calls: Calls) -> ToolResult:
    name = given.needed("name")
    own = given.text("id")
    response = given.table("response")
    part = ToolResult(id=calls.answered(name, own), name=name, parts=[], extra={"~id": own})
    if response is not None:
        part.extra["~response"] = response
        text, part.failed = _said(response)
        part.parts.append(Text(text=text))
    shown = given.each("parts")
    if shown:
        part.extra["~shown"] = len(shown)
        part.parts += [_shown(each) for each in shown]
    keep(part.extra, "functionResponse", given)
    return part


def _shown(given: Fields) -> Part:
    raw = given.raw()
    found = media.read(given)
    if found is None:
        return Opaque(origin="gemini", kind="functionResponse", value=raw)
    found.extra |= given.rest()
    return found


def _said(response: dict[str, Any]) -> tuple[str, bool]:
    """The text of a result, and whether the tool failed: by the convention of the members `output` and `error`."""
    if len(response) == 1:
        (name, value), *_ = response.items()
        if isinstance(value, str) and name in {"error", *_OUTPUTS}:
            return value, name == "error"
    return encode(response).decode(), "error" in response and not any(name in response for name in _OUTPUTS)


# -- the other direction, for what was read above


def write(turn: Turn, losses: Losses) -> list[dict[str, Any]]:
    """Those of `contents` that the turn was, or the `systemInstruction`."""
    parts = [written for part in turn.parts for written in _pieces(part, losses)]
    each = turn.extra.get(_CONTENTS) or [turn.extra]
    role = turn.extra.get("~role", "model" if turn.role == "assistant" else "user")
    if len(parts) != sum(hints.get(_COUNT, 0) - len(hints.get("~empty", ())) for hints in each):
        # Other providers' thoughts are gone from it.
        return [{"parts": parts, "role": role}] if parts else []
    return [_write_content(parts, hints, role) for hints in each]


def _write_content(parts: list[dict[str, Any]], hints: dict[str, Any], role: str | None) -> dict[str, Any]:
    """One content, with the first of the `parts` that are left."""
    empty = hints.get("~empty", ())
    count = hints.get(_COUNT, 0) - len(empty)
    own = parts[:count]
    del parts[:count]
    for at, part in empty:
        own.insert(at, part)
    content: dict[str, Any] = {} if hints.get("~none") else {"parts": own}
    if role is not None:
        content["role"] = role
    return put_back(content, hints)


def _pieces(part: Part, losses: Losses) -> list[dict[str, Any]]:
    """A part; a text that was in pieces as these."""
    written = _own(part, losses)
    if written is None:
        return []
    if not isinstance(part, Text) or _CUTS not in part.extra:
        return [written]
    cuts = [0, *part.extra[_CUTS], len(part.text)]
    return [{"text": part.text[start:end]} for start, end in pairwise(cuts)]


def _own(part: Part, losses: Losses) -> dict[str, Any] | None:
    match part:
        case Opaque():
            return dict(part.value)
        case Thinking() if part.maker != "gemini":
            # A provider that took the client's place for a while thought it.
            losses.without("thinking")
            return None
        case Thinking():
            written: dict[str, Any] = {"text": part.text}
            if not part.extra.get("~bare"):
                written["thought"] = True
        case Text():
            written = {"text": part.text}
            if "~thought" in part.extra:
                written["thought"] = part.extra["~thought"]
        case ToolCall():
            written = {"functionCall": _own_call(part)}
        case ToolResult():
            written = {"functionResponse": _own_result(part, losses)}
        case _:
            written = media.write(part)
    signature = part.extra.get("~" + _SIGNATURE) or getattr(part, "sealed", None)
    if signature is not None:
        written[_SIGNATURE] = signature
    return put_back(written, part.extra)


def _own_call(part: ToolCall) -> dict[str, Any]:
    call: dict[str, Any] = {"name": part.name}
    if part.extra.get("~args", True):
        call["args"] = decode(part.arguments.encode())
    return _with_id(call, part)


def _own_result(part: ToolResult, losses: Losses) -> dict[str, Any]:
    result: dict[str, Any] = {"name": part.name}
    if "~response" in part.extra:
        result["response"] = part.extra["~response"]
    count = part.extra.get("~shown", 0)
    if count:
        result["parts"] = [_own(each, losses) for each in part.parts[-count:]]
    return _with_id(result, part)


def _with_id(written: dict[str, Any], part: ToolCall | ToolResult) -> dict[str, Any]:
    own = part.extra.get("~id")
    if own is not None:
        written["id"] = own
    return written
