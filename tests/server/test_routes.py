"""Which path is which operation."""

from __future__ import annotations

import pytest

from isartor._native import ENDPOINTS
from isartor.formats import SURFACES
from isartor.server import routes

TABLE = {
    "/v1/chat/completions": ("chat", "openai_chat"),
    "/v1/completions": ("completions", "openai_chat"),
    "/v1/embeddings": ("embeddings", "openai_chat"),
    "/v1/responses": ("responses", "openai_responses"),
    "/v1/messages": ("messages", "anthropic"),
    "/v1/messages/count_tokens": ("count_tokens", "anthropic"),
    "/api/chat": ("native", "native"),
    "/api/v1/chat": ("native", "native"),
}


def test_the_table_of_prompts() -> None:
    """Every path of the contract, and no other, is an operation of its surface."""
    found = {path: (route.endpoint, route.surface.name) for path, route in routes.PROMPTS.items()}
    assert found == TABLE
    for path, route in routes.PROMPTS.items():
        assert ENDPOINTS[route.number] == route.endpoint
        assert route.surface is SURFACES[route.surface.name]
        assert (route.path, route.model, route.stream, route.google_key) == (path, None, False, False)
        assert not route.wire


@pytest.mark.parametrize("root", ["/v1beta/models/", "/v1/models/"])
@pytest.mark.parametrize(
    ("method", "endpoint", "stream", "wire"),
    [
        ("generateContent", "generate", False, "generate"),
        ("streamGenerateContent", "generate", True, "stream_generate"),
        ("countTokens", "gemini_count", False, "gemini_count"),
    ],
)
def test_gemini_paths(root: str, method: str, endpoint: str, wire: str, *, stream: bool) -> None:
    """The three operations, under both roots, with the model in the path."""
    route = routes.gemini(f"{root}gemini-2.5-pro:{method}", {})
    assert route is not None
    assert (route.endpoint, route.stream, route.model) == (endpoint, stream, "gemini-2.5-pro")
    assert (route.wire or route.endpoint) == wire
    assert ENDPOINTS[route.number] == endpoint
    assert route.surface is SURFACES["gemini"]
    assert route.google_key
    assert route.path == f"{root}{{model}}:{method}", "statistics do not grow with the names of models"


@pytest.mark.parametrize(
    ("written", "model"),
    [
        ("gemini%2D2.5", "gemini-2.5"),
        ("tuned%2Fmine", "tuned/mine"),
        ("tuned/mine", "tuned/mine"),
        ("a%3Ab", "a:b"),
        ("a:b", "a:b"),
        ("m%C3%A9", "mé"),
        ("100%", "100%"),
        ("fast", "gemini-2.5-flash"),
        ("f%61st", "gemini-2.5-flash"),
    ],
)
def test_models_in_paths_are_decoded_and_resolved(written: str, model: str) -> None:
    """A model may be written with escapes, and may be an alias."""
    route = routes.gemini(f"/v1beta/models/{written}:generateContent", {"fast": "gemini-2.5-flash"})
    assert route is not None
    assert route.model == model


@pytest.mark.parametrize(
    "path",
    [
        "/v1beta/models/m",
        "/v1beta/models/m:",
        "/v1beta/models/:generateContent",
        "/v1beta/models/m:embedContent",
        "/v1beta/models/m:generatecontent",
        "/v1beta/models/m:generateContent/",
        "/v1beta/models",
        "/v1beta/models/",
        "/v2/models/m:generateContent",
        "/v1beta/tunedModels/m:generateContent",
        f"/v1beta/models/{'m' * 300}:generateContent",
        "v1beta/models/m:generateContent",
        "",
        "/",
    ],
)
def test_what_is_no_gemini_path(path: str) -> None:
    """Anything else is none, and no exception."""
    assert routes.gemini(path, {}) is None


@pytest.mark.parametrize(
    ("path", "headers", "surface"),
    [
        ("/v1/chat/completions", {}, "openai_chat"),
        ("/v1/nothing", {}, "openai_chat"),
        ("/v1/models", {}, "openai_chat"),
        ("/v1/models", {"anthropic-version": "2023-06-01"}, "anthropic"),
        ("/v1/models/m", {}, "openai_chat"),
        ("/v1/models/m:generateContent", {}, "gemini"),
        ("/v1beta/models", {}, "gemini"),
        ("/v1beta/anything", {}, "gemini"),
        ("/v1/messages", {}, "anthropic"),
        ("/v1/messages/batches", {}, "anthropic"),
        ("/v1/responses", {}, "openai_responses"),
        ("/v1/responses/resp_1", {}, "openai_responses"),
        ("/api/chat", {}, "native"),
        ("/", {}, "native"),
        ("/health", {}, "native"),
        ("", {}, "native"),
        ("/anything", {"anthropic-version": "x"}, "anthropic"),
    ],
)
def test_the_surface_of_an_error(path: str, headers: dict[str, str], surface: str) -> None:
    """An error on a path that is no prompt is told in the shape that its caller most likely reads."""
    assert routes.surface_of(path, headers) == surface


@pytest.mark.parametrize("path", TABLE)
def test_errors_on_prompts_have_the_shape_of_their_surface(path: str) -> None:
    """The two ways to find a surface agree."""
    assert routes.surface_of(path, {}) == routes.PROMPTS[path].surface.name
