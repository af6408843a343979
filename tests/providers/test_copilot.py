"""GitHub Copilot: sessions, and what is sent with them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from isartor.errors import NoProviderError, UpstreamError
from isartor.providers.copilot import Copilot, address
from isartor.providers.registry import TABLE

from .upstream import Peer, Seen, call, running, settings, upstream

if TYPE_CHECKING:
    from isartor.providers.base import Response
    from tests.providers.upstream import Upstream

NOW = 1_800_000_000.0
CHAT = "/chat/completions"
EXCHANGE = "/copilot_internal/v2/token"


def reply(status: int, body: object, *headers: str) -> bytes:
    """Return a whole reply."""
    data = json.dumps(body).encode()
    # The server ends each connection after its reply; a client that is not told may send into one just being closed.
    own = ["content-type: application/json", f"content-length: {len(data)}", "connection: close"]
    head = [f"HTTP/1.1 {status} x", *own, *headers]
    return "\r\n".join([*head, "", ""]).encode() + data


class GitHub:
    """GitHub and Copilot in one: gives session tokens one by one, and takes those that are not in `dead`."""

    def __init__(self, **more: Any) -> None:  # noqa: ANN401 - members of the reply
        """`more`: members of the exchange's reply."""
        self.more = more
        self.given = 0
        self.dead: set[str] = set()
        self.refusal: bytes | None = None
        self.hold = asyncio.Event()
        self.hold.set()

    async def __call__(self, seen: Seen, peer: Peer) -> None:
        """Answer one request."""
        if seen.target == EXCHANGE:
            await self.hold.wait()
            if self.refusal is not None:
                await peer.send(self.refusal)
                return
            self.given += 1
            session = {"token": f"session-{self.given}", "expires_at": NOW + 1800, **self.more}
            await peer.send(reply(200, session))
        else:
            token = (seen.header("authorization") or "").removeprefix("Bearer ")
            await peer.send(reply(401 if token in self.dead else 200, {"by": token}))


class Clock:
    """A clock that stands still."""

    def __init__(self) -> None:
        """Begin at `NOW`."""
        self.now = NOW

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def copilot(server: Upstream, clock: Clock | None = None, **more: Any) -> Copilot:  # noqa: ANN401 - any setting
    """Return the provider, with both of its addresses at the server."""
    more.setdefault("token_url", server.url)
    return Copilot(settings("copilot", server.url, **more), TABLE["copilot"], clock or Clock())


async def done(response: Response) -> tuple[int, Any]:
    """Read a reply to its end."""
    body = await response.read_all(1000)
    await response.close()
    return response.status, json.loads(body)


def paths(server: Upstream) -> list[str]:
    """Return what was asked for, in order."""
    return [seen.target for seen in server.seen]


@running
async def test_call() -> None:
    """The GitHub token goes to GitHub only, the session token to Copilot; the editor's headers replace the client's."""
    github = GitHub()
    body = b'{"model": "gpt-x",  "messages": []}'
    async with upstream(github) as server:
        made = copilot(server)
        headers = [("user-agent", "codex/1"), ("x-initiator", "agent"), ("authorization", "Bearer client")]
        assert await done(await made.call(call("chat", body=body, headers=headers))) == (200, {"by": "session-1"})
        await made.close()
    exchange, chat = server.seen
    assert (exchange.method, exchange.target, exchange.body) == ("GET", EXCHANGE, b"")
    assert exchange.header("authorization") == "token sk-upstream"
    assert (chat.method, chat.target, chat.body) == ("POST", CHAT, body)
    assert chat.header("authorization") == "Bearer session-1"
    assert "sk-upstream" not in str(chat)
    assert chat.header("x-initiator") == "agent"
    assert chat.header("copilot-vision-request") is None
    for seen in (exchange, chat):
        assert seen.header("user-agent") == "GitHubCopilotChat/0.29.1"
        assert seen.header("editor-version") == "vscode/1.99.0"
        assert seen.header("editor-plugin-version") == "copilot-chat/0.29.1"
        assert seen.header("copilot-integration-id") == "vscode-chat"
        assert seen.header("x-github-api-version") == "2025-04-01"


@running
async def test_images() -> None:
    """A request with a picture is announced as one."""
    async with upstream(GitHub()) as server:
        made = copilot(server)
        await done(await made.call(call("chat", body=b'{"messages": [{"type": "image_url"}]}')))
        await made.close()
    assert server.seen[1].header("copilot-vision-request") == "true"


@running
async def test_prefix_of_the_model() -> None:
    """A model's name loses the prefix that some clients give it; the rest of the body stays as it is."""
    async with upstream(GitHub()) as server:
        made = copilot(server)
        body = b'{"n":1.0,"model":"github_copilot/gpt-4.1","x":[1, 2]}'
        await done(await made.call(call("chat", model="github_copilot/gpt-4.1", body=body)))
        await made.close()
    assert server.seen[1].body == b'{"n":1.0,"model":"gpt-4.1","x":[1, 2]}'


@pytest.mark.parametrize(
    ("more", "lasts"), [({}, 1740), ({"refresh_in": 1500}, 1500), ({"refresh_in": 1500, "expires_at": 7}, 1500)]
)
@running
async def test_expiry(more: dict[str, Any], lasts: int) -> None:
    """A session is used again until a minute before its end, or as long as GitHub says, whatever our clock shows."""
    clock = Clock()
    github = GitHub(**more)
    async with upstream(github) as server:
        made = copilot(server, clock)
        for wait, expected in ((0, 1), (lasts - 1, 1), (1, 2)):
            clock.now += wait
            assert await done(await made.call(call("chat"))) == (200, {"by": f"session-{expected}"})
        await made.close()
    assert paths(server) == [EXCHANGE, CHAT, CHAT, EXCHANGE, CHAT]


@running
async def test_one_exchange_for_all() -> None:
    """Requests that come together wait for one exchange; one that leaves does not end it for the others."""
    github = GitHub()
    github.hold.clear()
    async with upstream(github) as server:
        made = copilot(server)
        tasks = [asyncio.ensure_future(made.call(call("chat"))) for _ in range(20)]
        await server.asked.wait()
        tasks[0].cancel()
        await asyncio.gather(tasks[0], return_exceptions=True)
        github.hold.set()
        for task in tasks[1:]:
            assert await done(await task) == (200, {"by": "session-1"})
        await made.close()
    assert paths(server).count(EXCHANGE) == 1
    assert tasks[0].cancelled()


@running
async def test_keys_have_sessions_of_their_own() -> None:
    """Two keys of a pool never share a session."""

    class Other:
        def reveal(self) -> str:
            return "gh-other"

    async with upstream(GitHub()) as server:
        made = copilot(server)
        assert await done(await made.call(call("chat"))) == (200, {"by": "session-1"})
        assert await done(await made.call(call("chat", key=Other()))) == (200, {"by": "session-2"})
        assert await done(await made.call(call("chat"))) == (200, {"by": "session-1"})
        await made.close()
    exchanges = [seen.header("authorization") for seen in server.seen if seen.target == EXCHANGE]
    assert exchanges == ["token sk-upstream", "token gh-other"]


@running
async def test_session_ended_early() -> None:
    """A session that Copilot refuses is replaced once, by one exchange for all requests that it was refused to."""
    github = GitHub()
    async with upstream(github) as server:
        made = copilot(server)
        await done(await made.call(call("chat")))
        github.dead = {"session-1"}
        replies = await asyncio.gather(*(made.call(call("chat")) for _ in range(5)))
        for response in replies:
            assert await done(response) == (200, {"by": "session-2"})
        github.dead = {"session-2", "session-3"}
        assert await done(await made.call(call("chat"))) == (401, {"by": "session-3"})
        await made.close()
    assert github.given == 3


@pytest.mark.parametrize(("status", "arrives"), [(401, 401), (403, 403), (404, 403), (429, 429), (500, 500)])
@running
async def test_refused_exchange(status: int, arrives: int) -> None:
    """A token that GitHub refuses is a reply with that status, so that the next key is tried; nothing of it is kept."""
    github = GitHub()
    github.refusal = reply(status, {"message": "Bad credentials"}, "retry-after: 7")
    async with upstream(github) as server:
        made = copilot(server)
        response = await made.call(call("chat"))
        assert ("retry-after", "7") in response.headers
        got, body = await done(response)
        assert got == arrives
        assert "GitHub refused" in body["error"]["message"]
        github.refusal = None
        assert (await done(await made.call(call("chat"))))[0] == 200
        await made.close()
    assert paths(server) == [EXCHANGE, EXCHANGE, CHAT]


@pytest.mark.parametrize("body", [{}, [], {"token": 1, "expires_at": 2}, {"token": "x"}])
@running
async def test_garbage_from_github(body: object) -> None:
    """A reply that is no session is an upstream error that can be tried again."""
    github = GitHub()
    github.refusal = reply(200, body)
    async with upstream(github) as server:
        made = copilot(server)
        with pytest.raises(UpstreamError, match="GitHub") as caught:
            await made.call(call("chat"))
        await made.close()
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("named", "used"),
    [
        ("https://api.individual.githubcopilot.com", "https://api.individual.githubcopilot.com"),
        ("https://api.business.githubcopilot.com/", "https://api.business.githubcopilot.com"),
        ("https://API.Enterprise.githubcopilot.com", "https://api.githubcopilot.com"),
        ("http://api.business.githubcopilot.com", "https://api.githubcopilot.com"),
        ("https://githubcopilot.com.evil.com", "https://api.githubcopilot.com"),
        ("https://evilgithubcopilot.com", "https://api.githubcopilot.com"),
        ("https://user@api.githubcopilot.com", "https://api.githubcopilot.com"),
        ("https://api.githubcopilot.com:8443", "https://api.githubcopilot.com"),
        ("", "https://api.githubcopilot.com"),
        (None, "https://api.githubcopilot.com"),
        (7, "https://api.githubcopilot.com"),
    ],
)
def test_address(named: object, used: str) -> None:
    """A session token goes to a host of Copilot's only, over TLS."""
    assert address(named) == used


@running
async def test_address_of_the_account() -> None:
    """The address that GitHub names is asked, unless the user has set one that is not Copilot's."""
    github = GitHub(endpoints={"api": "https://api.business.githubcopilot.com"})
    async with upstream(github) as server:
        for url in (None, "https://api.githubcopilot.com/chat/completions"):
            made = Copilot(settings("copilot", url, token_url=server.url, offline=True), TABLE["copilot"], Clock())
            with pytest.raises(NoProviderError, match=r"api\.business\.githubcopilot\.com") as caught:
                await made.call(call("chat"))
            assert caught.value.code == "offline_mode_active"
            await made.close()
        made = copilot(server)
        assert (await done(await made.call(call("chat"))))[0] == 200
        await made.close()


@running
async def test_offline() -> None:
    """In offline mode GitHub is not asked for a token."""
    made = Copilot(settings("copilot", offline=True), TABLE["copilot"])
    with pytest.raises(NoProviderError, match=r"GitHub.*api\.github\.com") as caught:
        await made.call(call("chat"))
    assert caught.value.code == "offline_mode_active"
    ping = await made.ping()
    assert not ping.reachable
    assert "api.github.com" in str(ping.error)
    await made.close()


@running
async def test_no_key() -> None:
    """Without a GitHub token nothing is asked, at whichever address."""
    async with upstream(GitHub()) as server:
        made = copilot(server, api_key=None, where="fallback_providers[0]")
        assert made.status()["state"] == "no_api_key"
        with pytest.raises(NoProviderError, match=r"fallback_providers\[0\]\.api_key"):
            await made.call(call("chat"))
        await made.close()
    assert server.seen == []


@pytest.mark.parametrize(
    ("refusal", "reachable", "status"), [(None, True, 200), (401, True, 401), (404, True, 403), (503, False, 503)]
)
@running
async def test_ping(refusal: int | None, reachable: bool, status: int) -> None:
    """A ping is an exchange, and no request to Copilot."""
    github = GitHub()
    github.refusal = None if refusal is None else reply(refusal, {})
    async with upstream(github) as server:
        made = copilot(server)
        ping = await made.ping(deep=True)
        await made.close()
    assert (ping.reachable, ping.status_code) == (reachable, status)
    assert (ping.error is None) == (refusal is None)
    assert paths(server) == [EXCHANGE]


def test_nothing_shows_a_token() -> None:
    """Neither the provider nor a session shows its token."""
    from isartor.providers.copilot import Session

    assert "secret" not in repr(Session("secret", NOW, "https://api.githubcopilot.com"))
    made = Copilot(settings("copilot"), TABLE["copilot"])
    assert "sk-" not in repr(made) + str(made.status())


@running
async def test_a_body_that_is_no_object_goes_as_it_is() -> None:
    """What cannot be read is left to Copilot to refuse."""
    async with upstream(GitHub()) as server:
        made = copilot(server)
        await done(await made.call(call("chat", model="github_copilot/gpt-4.1", body=b"[1, ")))
        await made.close()
    assert server.seen[1].body == b"[1, "
