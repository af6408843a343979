"""Secrets: how they are given, and that they are never shown."""

from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING

import msgspec
import pytest

from isartor.config import Secret
from isartor.errors import ConfigError

if TYPE_CHECKING:
    from tests.config.reading import Place

KEY = "s3cret-value-of-the-key"


def test_a_secret_shows_a_mask() -> None:
    """However a secret is turned into text, the text is the mask."""
    secret = Secret(KEY)
    assert f"{secret} {secret!r} {secret!s} {secret:>3} {[secret]} {(secret,)}".count("***") == 6
    assert KEY not in "%s %r" % (secret, secret)  # noqa: UP031 # this way of formatting is what is tested
    assert secret.reveal() == KEY


def test_a_secret_is_compared_by_content() -> None:
    """Two secrets are equal if their texts are; text alone is never equal to a secret."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert Secret("ü") != Secret("u")


def test_a_secret_cannot_be_hashed_or_encoded() -> None:
    """A secret is no dictionary key and no encoder takes it."""
    with pytest.raises(TypeError):
        hash(Secret("a"))
    with pytest.raises(TypeError):
        json.dumps(Secret("a"))
    with pytest.raises(TypeError):
        msgspec.json.encode(Secret("a"))


def test_an_empty_secret_does_not_exist() -> None:
    """An absent secret is `None`: an empty one would be matched by anything empty."""
    with pytest.raises(ValueError, match="empty"):
        Secret("")


@pytest.mark.parametrize(
    ("toml", "variable", "field"),
    [
        (None, "ISARTOR__GATEWAY_API_KEY_FILE", "gateway_api_key"),
        (None, "ISARTOR__EXTERNAL_LLM_API_KEY_FILE", "external_llm_api_key"),
        (None, "ISARTOR_EXTERNAL_LLM_API_KEY_FILE", "external_llm_api_key"),
        (None, "ISARTOR__OPENAI_API_KEY_FILE", "external_llm_api_key"),
        (None, "ISARTOR__FALLBACK__OPENAI_API_KEY_FILE", "external_llm_api_key"),
        ('gateway_api_key_file = "key.txt"', None, "gateway_api_key"),
        ('[fallback]\nopenai_api_key_file = "key.txt"', None, "external_llm_api_key"),
    ],
)
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_can_stand_in_a_file(
    place: Place, toml: str | None, variable: str | None, field: str, end: str
) -> None:
    """Every secret has a `_file` twin; the line end of the file is not part of the secret."""
    (place.cwd / "key.txt").write_text(KEY + end)
    env = {variable: str(place.cwd / "key.txt")} if variable else {}
    assert getattr(place.config(toml, env), field) == Secret(KEY)


def test_a_path_may_start_at_the_home(place: Place) -> None:
    """`~` in the path of a secret is the home directory."""
    (place.home / "key").write_text(KEY)
    assert place.config('gateway_api_key_file = "~/key"').gateway_api_key == Secret(KEY)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "which is empty"),
        (b" \n\n", "which is empty"),
        (b"\xff\xfe", "which is not text"),
        (b"x" * 70_000, "too large"),
        (b"two\nlines", "must be printable ASCII"),
        (b" spaced ", "must be printable ASCII"),
    ],
)
def test_an_unusable_secret_file_is_named(place: Place, content: bytes | None, message: str) -> None:
    """A missing, empty or odd file is an error with the setting and the path, and without the content."""
    if content is not None:
        (place.cwd / "key").write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        place.config("", {"ISARTOR__GATEWAY_API_KEY_FILE": "key"})
    assert str(place.cwd / "key") in caught.value.message
    assert "ISARTOR__GATEWAY_API_KEY_FILE" in caught.value.message
    assert "spaced" not in caught.value.message
    assert "lines" not in caught.value.message


@pytest.mark.parametrize(
    ("toml", "env"),
    [
        (f'gateway_api_key = "{KEY}"\ngateway_api_key_file = "k"', {}),
        ("", {"ISARTOR__GATEWAY_API_KEY": KEY, "ISARTOR__GATEWAY_API_KEY_FILE": "k"}),
        ("", {"ISARTOR__EXTERNAL_LLM_API_KEY": KEY, "ISARTOR_EXTERNAL_LLM_API_KEY_FILE": "k"}),
    ],
)
def test_value_and_file_together_are_refused(place: Place, toml: str, env: dict[str, str]) -> None:
    """A secret and its file in the same source are an error that names both and shows neither."""
    (place.cwd / "k").write_text(KEY)
    with pytest.raises(ConfigError, match="differently; give only one") as caught:
        place.config(toml, env)
    assert KEY not in caught.value.message


def test_a_later_source_wins_over_a_file_that_is_gone(place: Place) -> None:
    """Only the secret file that counts is read."""
    config = place.config('gateway_api_key_file = "missing"', {"ISARTOR__GATEWAY_API_KEY": KEY})
    assert config.gateway_api_key == Secret(KEY)


@pytest.mark.parametrize("value", [f"{KEY}\\nx", f" {KEY}", f"{KEY}é"])
def test_a_secret_that_no_header_can_carry_is_refused_unseen(place: Place, value: str) -> None:
    """A key with a line break, outer spaces or other letters is refused without showing it, in the trace too."""
    with pytest.raises(ConfigError) as caught:
        place.config(f'gateway_api_key = "{value}"')
    assert KEY not in "".join(traceback.format_exception(caught.value))
