"""Requests of other formats are written as Anthropic's API takes them."""

from __future__ import annotations

from typing import Any

import pytest

from isartor.errors import RequestError
from isartor.formats.canonical import (
    Audio,
    Document,
    Image,
    Media,
    Opaque,
    Refusal,
    Text,
    Thinking,
    Tool,
    Turn,
)

from .checks import (
    FORMAT,
    NEW,
    OLD,
    OTHER,
    USER,
    asking,
    call,
    messages,
    result,
    texts,
    turn,
    write,
)

# -- turns


def test_system_first() -> None:
    """System and developer turns at the start are the system text."""
    written = write(asking(turn("system", "a"), USER))
    assert (written["system"], written["messages"]) == ("a", [{"role": "user", "content": "hi"}])
    written = write(asking(turn("system", "a"), turn("developer", "b"), USER))
    assert written["system"] == texts("a", "b")


def test_system_later_new_model() -> None:
    """Later ones are messages of their own, after the user's turn and before the model's, as the API wants them."""
    found = messages(
        USER,
        turn("developer", "one"),
        turn("user", "more"),
        turn("system", "two"),
        turn("assistant", "ok"),
        turn("system", "three"),
        turn("user", "x"),
        model=NEW,
    )
    assert found == [
        ("user", texts("hi", "more")),
        ("system", texts("one", "two")),
        ("assistant", "ok"),
        ("user", "x"),
        ("system", "three"),
    ]


def test_system_without_a_user_turn() -> None:
    """Where there is no turn of the user for it to follow, it is one."""
    found = messages(USER, turn("assistant", "ok"), turn("system", "three"), model=NEW)
    assert found[-1] == ("user", "<system-reminder>\nthree\n</system-reminder>")


@pytest.mark.parametrize("model", [OLD, OTHER])
def test_system_later_old_model(model: str) -> None:
    """A model that does not know them reads them at their place in the user's turn."""
    found = messages(USER, turn("system", "one"), turn("user", "more"), model=model)
    assert found == [("user", texts("hi", "<system-reminder>\none\n</system-reminder>", "more"))]


def test_alternation() -> None:
    """Turns of one side in a row are one message, results of tools first."""
    found = messages(
        USER,
        turn("assistant", Text(text="a"), call("c1")),
        turn("assistant", call("c2", arguments='{"x": 1}')),
        turn("user", "while you wait"),
        turn("tool", result("c1", "one")),
        turn("tool", result("c2", "two", failed=True)),
        turn("user", "and?"),
    )
    assert found[1] == (
        "assistant",
        [
            {"type": "text", "text": "a"},
            {"type": "tool_use", "id": "c1", "name": "t", "input": {}},
            {"type": "tool_use", "id": "c2", "name": "t", "input": {"x": 1}},
        ],
    )
    assert found[2] == (
        "user",
        [
            {"type": "tool_result", "tool_use_id": "c1", "content": "one"},
            {"type": "tool_result", "tool_use_id": "c2", "content": "two", "is_error": True},
            *texts("while you wait", "and?"),
        ],
    )


def test_first_message_is_the_users() -> None:
    """A conversation that the model begins, or that is system text alone, gets the user's message that it needs."""
    assert [role for role, _ in messages(turn("assistant", "hello"), USER)] == ["user", "assistant", "user"]
    written = write(asking(turn("system", "Say hi.")))
    assert "system" not in written
    assert written["messages"] == [{"role": "user", "content": "Say hi."}]


def test_last_message_is_not_the_models() -> None:
    """A conversation that ends with the model's turn is answered, not gone on with in the middle."""
    assert [role for role, _ in messages(USER, turn("assistant", "hello"))] == ["user", "assistant", "user"]


def test_empty_texts() -> None:
    """Texts that the API refuses because there is nothing in them are left out."""
    assert messages(turn("user", "hi", " \n"), turn("assistant", ""), turn("user", "x")) == [("user", texts("hi", "x"))]


def test_cache_markers() -> None:
    """Clients of other formats mark what to cache, too: the markers stay."""
    marker = {"cache_control": {"type": "ephemeral"}}
    tool = Tool(name="t", extra=dict(marker))
    asked = asking(turn("system", Text(text="s", extra=dict(marker))), turn("user", Text(text="u")), tools=[tool])
    written = write(asked)
    assert written["system"] == [{"type": "text", "text": "s", **marker}]
    assert written["tools"][0]["cache_control"] == marker["cache_control"]
    assert FORMAT.write_request(asked)[1] == []


def test_names() -> None:
    """A speaker's name has no place, and is reported."""
    asked = asking(Turn(role="user", name="bob", parts=[Text(text="hi")]))
    assert FORMAT.write_request(asked)[1] == ["messages[].name"]


# -- parts


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            Image(media=Media(mime="image/jpg", data="aGk="), detail="auto"),
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "aGk="}},
        ),
        (
            Image(media=Media(url="https://x.example/a")),
            {"type": "image", "source": {"type": "url", "url": "https://x.example/a"}},
        ),
        (
            Document(media=Media(mime="application/pdf", data="aGk="), name="a.pdf"),
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="},
                "title": "a.pdf",
            },
        ),
        (
            Document(media=Media(mime="text/markdown", data="aGk=")),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}},
        ),
        (
            Document(media=Media(mime="text/plain"), text="hi"),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}},
        ),
        (Refusal(text="no"), {"type": "text", "text": "no"}),
    ],
)
def test_part(part: Any, block: dict[str, Any]) -> None:
    """Every part in Anthropic's words."""
    assert messages(turn("user", part, "x")) == [("user", [block, *texts("x")])]


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (Audio(media=Media(mime="audio/wav", data="aGk=")), "messages[].content[].input_audio"),
        (Image(media=Media(file="file_1")), "messages[].content[].image_url"),
        (Image(media=Media(url="gs://x/y")), "messages[].content[].image_url"),
        (Document(media=Media(file="file_1")), "messages[].content[].file"),
        (Document(media=Media(mime="application/zip", data="aGk=")), "messages[].content[].file"),
        (Opaque(origin="openai_chat", kind="later", value={}), "later"),
    ],
)
def test_refused_part(part: Any, param: str) -> None:
    """What cannot be said is refused with the field in the client's own words."""
    with pytest.raises(RequestError) as raised:
        write(asking(turn("user", part)))
    assert (raised.value.status, raised.value.param) == (400, param)


def test_result_with_picture() -> None:
    """A result of a tool may show a picture."""
    picture = Image(media=Media(mime="image/png", data="aGk="))
    found = messages(USER, turn("assistant", call()), turn("tool", result("c", "see", picture)))
    content = found[2][1][0]["content"]
    assert [block["type"] for block in content] == ["text", "image"]


def test_failed_result() -> None:
    """An error has text and nothing but text, as the API wants it; a picture of one is said to be one in words."""
    picture = Image(media=Media(mime="image/png", data="aGk="))

    def written(*parts: Any) -> dict[str, Any]:
        turns = (USER, turn("assistant", call()), turn("tool", result("c", *parts, failed=True)))
        block: dict[str, Any] = messages(*turns)[2][1][0]
        return block

    assert (written()["content"], written()["is_error"]) == ("Error", True)
    assert (written("no")["content"], written("no")["is_error"]) == ("no", True)
    shown = written(picture)
    assert [block["type"] for block in shown["content"]] == ["text", "image"]
    assert shown["is_error"] is False


def test_identifiers() -> None:
    """Ids with characters that the API refuses change alike in call and result."""
    found = messages(USER, turn("assistant", call("a.b|c")), turn("tool", result("a.b|c")))
    assert found[1][1][0]["id"] == found[2][1][0]["tool_use_id"] == "a_b_c"


@pytest.mark.parametrize(
    ("arguments", "made"), [("", {}), ("{}", {}), ("[1]", {"arguments": "[1]"}), ("{", {"arguments": "{"})]
)
def test_arguments(arguments: str, made: dict[str, Any]) -> None:
    """Arguments are an object, also where a model broke its JSON."""
    found = messages(USER, turn("assistant", call(arguments=arguments)))
    assert found[1][1][0]["input"] == made


def test_free_text_tool() -> None:
    """A tool that takes free text is one with a single string, and its calls are calls of that."""
    asked = asking(USER, turn("assistant", call(custom=True, arguments="ls")), tools=[Tool(name="t", custom=True)])
    written = write(asked)
    assert written["tools"][0]["input_schema"]["required"] == ["input"]
    assert written["messages"][1]["content"][0]["input"] == {"input": "ls"}


@pytest.mark.parametrize("maker", ["openai_chat", "openai_responses", "gemini"])
def test_thoughts_of_others(maker: Any) -> None:
    """Only Anthropic's own thoughts go back to it."""
    own = Thinking(text="hm", sealed="s", maker="anthropic")
    hidden = Thinking(sealed="d", maker="anthropic", redacted=True)
    said = turn("assistant", Thinking(text="x", sealed="y", maker=maker), own, hidden, "ok")
    asked = asking(USER, said)
    written, dropped = FORMAT.write_request(asked)
    assert b'"signature":"s"' in written
    assert b'"data":"d"' in written
    assert b'"y"' not in written
    assert dropped == ["messages[].reasoning_content"]
