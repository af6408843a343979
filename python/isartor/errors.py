"""Every error that Isartor raises on purpose.

The tree, with the HTTP status and the fault of each::

    IsartorError                       500  gateway
    ├── ConfigError                    500  gateway   a setting is wrong; the gateway does not start
    ├── RequestError                   400  client    the request cannot be understood
    │   ├── AuthError                  401  client    gateway key missing or wrong
    │   ├── ForbiddenError             403  client    origin, host or policy forbids it
    │   ├── NotFoundError              404  client    no such route, model or entry
    │   ├── MethodError                405  client    the route exists, the method does not
    │   ├── TooLargeError              413  client    body over `max_body_bytes`
    │   └── NotImplementedFormatError  501  client    the provider does not speak this format
    ├── NoProviderError                503  gateway   nothing to send the request to
    ├── BusyGatewayError               503  gateway   as many requests as may be at once, and the queue is full
    ├── RateLimitError                 429  client    the tenant sends more per minute than it may
    ├── QuotaError                     429  client    a provider's or a tenant's quota is used up
    ├── EmbeddingError                 500  gateway   no vector: a model or a service that cannot be used
    │   ├── TooLongError               500  gateway   the text is longer than the model's window: a refusal, no fault
    │   └── BusyError                  500  gateway   too many texts are waiting already: a refusal, no fault
    └── UpstreamError                  502  upstream  the provider refused, broke off or sent garbage
        └── UpstreamTimeoutError       504  upstream  the provider was too slow

An error knows whose fault it is and whether the same request may succeed when it is sent again; both are set
where the error is raised, never guessed from its text. Building an error does nothing else: it does not log.

Exceptions of other libraries are translated into this tree once, at the edge (`providers.transport` for the
network).
"""

from __future__ import annotations

from typing import ClassVar, Literal

Fault = Literal["client", "gateway", "upstream"]


class IsartorError(Exception):
    """Base of the tree: what a surface needs to write the error in the client's own shape.

    `status`: HTTP status of the reply. `message`: one or two sentences for a person, free of secrets.
    `param`: path of the offending field, as `messages[0].content`. `retry_after`: seconds, sent as
    `retry-after`. `code`: a stable lower-case word for programs. `retryable`: the same request may succeed
    later.
    """

    default_status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal_error"
    fault: ClassVar[Fault] = "gateway"

    status: int
    message: str
    param: str | None
    retry_after: float | None
    code: str
    retryable: bool

    def __init__(  # noqa: PLR0913 - each is a field, all but one by name
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
        retryable: bool = False,
    ) -> None:
        """Set the fields; `status` and `code` default to those of the class."""
        super().__init__(message)
        self.message = message
        self.status = self.default_status if status is None else status
        self.code = self.default_code if code is None else code
        self.param = param
        self.retry_after = retry_after
        self.retryable = retryable

    def __repr__(self) -> str:
        """Class, status and code, then the message."""
        return f"{type(self).__name__}({self.status} {self.code}: {self.message!r})"


class ConfigError(IsartorError):
    """A setting is unknown, malformed or contradicts another; `param` is its full key path."""

    default_code = "config_error"


class RequestError(IsartorError):
    """The client's request is malformed; `param` names where."""

    default_status = 400
    default_code = "invalid_request"
    fault = "client"


class AuthError(RequestError):
    """The gateway key is missing or wrong."""

    default_status = 401
    default_code = "invalid_api_key"


class ForbiddenError(RequestError):
    """The caller may not do this from where it calls: foreign browser origin, wrong Host, policy."""

    default_status = 403
    default_code = "forbidden"


class NotFoundError(RequestError):
    """No such route, model or entry."""

    default_status = 404
    default_code = "not_found"


class MethodError(RequestError):
    """The route exists but not for this method; `allow` is what the `Allow` header says."""

    default_status = 405
    default_code = "method_not_allowed"

    def __init__(self, message: str, *, allow: tuple[str, ...]) -> None:
        """`allow` lists the methods that the route has."""
        super().__init__(message)
        self.allow = allow


class TooLargeError(RequestError):
    """The body is over the limit."""

    default_status = 413
    default_code = "request_too_large"


class NotImplementedFormatError(RequestError):
    """The configured provider does not speak the format that the client uses."""

    default_status = 501
    default_code = "format_not_supported"


class NoProviderError(IsartorError):
    """A miss, and there is no provider to ask: no key, offline mode, or none configured."""

    default_status = 503
    default_code = "no_provider"


class BusyGatewayError(IsartorError):
    """As many requests as may be handled at once, and no room or time left in the queue."""

    default_status = 503
    default_code = "gateway_busy"


class RateLimitError(RequestError):
    """The tenant has sent more requests or tokens this minute than it may."""

    default_status = 429
    default_code = "rate_limited"


class QuotaError(RequestError):
    """A quota is used up; the message names it, `retry_after` is the seconds until its window ends.

    `fallback`: the next provider may be asked instead.
    """

    default_status = 429
    default_code = "quota_exceeded"
    fallback: bool = False


class EmbeddingError(IsartorError):
    """There is no embedding. L1b is then skipped: no client ever sees this error, so it has no code of its own."""


class TooLongError(EmbeddingError):
    """The text is longer than the model's window; it is never cut. Nothing is wrong."""


class BusyError(EmbeddingError):
    """More texts are waiting than would be done in time. Nothing is wrong."""


class UpstreamError(IsartorError):
    """The provider could not be reached, broke off, or sent what is not its protocol."""

    default_status = 502
    default_code = "upstream_error"
    fault = "upstream"


class UpstreamTimeoutError(UpstreamError):
    """The provider passed one of the time limits; the message names which one and its key."""

    default_status = 504
    default_code = "upstream_timeout"
