"""What can go wrong between the gateway and a provider, in words that say what to do.

Every message names the provider and its host, never the whole address, a header or a body: those can hold
secrets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from isartor.errors import NoProviderError, UpstreamError, UpstreamTimeoutError

if TYPE_CHECKING:
    from isartor.providers.base import Limits


class Faults:
    """Builds the errors of one provider's connections."""

    __slots__ = ("_inside", "_limits", "_url", "_who")

    def __init__(self, who: str, host: str, limits: Limits, url: str | None) -> None:
        """`who`: as `the provider 'openai'`; `host`: host name and port, as shown to users.

        `url`: the setting that the address is from, if it can be set.
        """
        self._inside = f"{who} at {host}"
        self._who = self._inside[0].upper() + self._inside[1:]
        self._limits = limits
        self._url = url

    def unreachable(self, detail: str) -> UpstreamError:
        """Say that there is no connection: name look-up, TCP or proxy."""
        address = f"{self._url}, " if self._url else ""
        return UpstreamError(
            f"{self._who} could not be reached: {detail}. Check {address}the network and the proxy settings.",
            code="upstream_unreachable",
            retryable=True,
        )

    def untrusted(self, detail: str) -> UpstreamError:
        """Say that TLS failed; sending again does not help."""
        return UpstreamError(
            f"{self._who} could not be reached over TLS: {detail}. If a company proxy or a private "
            "certificate authority stands between, point SSL_CERT_FILE at a bundle with its certificate.",
            code="upstream_tls",
        )

    def broken(self, detail: str) -> UpstreamError:
        """Say that the reply has no head, or one that is not HTTP."""
        return UpstreamError(
            f"{self._who} did not give a valid HTTP reply: {detail}.",
            code="upstream_invalid_reply",
            retryable=True,
        )

    def cut(self, detail: str) -> UpstreamError:
        """Say that the body broke off or could not be decoded."""
        return UpstreamError(
            f"{self._who} broke off in the middle of its reply: {detail}.",
            code="upstream_cut",
            retryable=True,
        )

    def too_long(self, limit: int) -> UpstreamError:
        """Say that the reply is over the size limit."""
        return UpstreamError(f"{self._who} sent a reply of more than {limit} bytes.", code="upstream_too_large")

    def redirect(self, status: int) -> UpstreamError:
        """Say that a redirect was not followed."""
        advice = f": set {self._url} to the final address" if self._url else ""
        return UpstreamError(
            f"{self._who} answered with a redirect (status {status}). Redirects are not followed, so that "
            f"the API key does not travel to another host{advice}.",
            code="upstream_redirect",
        )

    def closed(self) -> UpstreamError:
        """Say that the call was ended on our side while somebody still read."""
        return UpstreamError(f"The call to {self._inside} was cancelled.", code="upstream_cancelled")

    def offline(self) -> NoProviderError:
        """Say that offline mode forbids the destination."""
        return NoProviderError(
            f"Offline mode is active, and {self._inside} is outside this machine and its private network. "
            "Add the host to offline_allowed_hosts, or set offline_mode = false.",
            code="offline_mode_active",
        )

    def no_certificates(self, detail: str) -> UpstreamError:
        """Say that the HTTP client cannot be set up at all."""
        return UpstreamError(
            f"The HTTP client cannot start: {detail}. Install the system's CA certificates, and check "
            "SSL_CERT_FILE and SSL_CERT_DIR.",
            code="no_ca_certificates",
        )

    def connect_timeout(self) -> UpstreamTimeoutError:
        """Say that there was no connection within the limit."""
        return self._timeout("accept the connection", "l3_connect_timeout_secs", self._limits.l3_connect_timeout_secs)

    def first_byte_timeout(self) -> UpstreamTimeoutError:
        """Say that the reply did not begin within the limit."""
        secs = self._limits.l3_first_byte_timeout_secs
        return self._timeout("begin its reply", "l3_first_byte_timeout_secs", secs)

    def total_timeout(self) -> UpstreamTimeoutError:
        """Say that the whole call took too long."""
        return self._timeout("finish its reply", "l3_timeout_secs", self._limits.l3_timeout_secs)

    def silence(self, *, begun: bool) -> UpstreamTimeoutError:
        """Say that nothing came for too long. `begun`: the reply's head had already arrived."""
        what = "send anything more" if begun else "begin its reply"
        return self._timeout(what, "l3_read_timeout_secs", self._limits.l3_read_timeout_secs)

    def _timeout(self, what: str, key: str, secs: float) -> UpstreamTimeoutError:
        return UpstreamTimeoutError(f"{self._who} did not {what} within {secs:g} s ({key}).", retryable=True)
