"""What can be set, with unit, default and limits: the one place where each of these facts is written.

The attribute names are the keys of `isartor.toml`. `description` is the text of the configuration reference and of the
file that `isartor init` writes. A key of `Server` may stand at the top level or in `[server]`; those of `SemanticCache`
and `EmbeddingSidecar` stand in their section. Which other spellings exist is in `isartor.config.keys`.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from isartor.config.secret import Secret  # noqa: TC001 # msgspec reads the annotations at run time
from isartor.config.upstream import (
    Breaker,
    Concurrency,
    FallbackProvider,
    GatewayKey,
    KeyRotation,
    Price,
    ProviderKey,
    Quota,
    RateLimit,
    Retry,
)

MIB: Final = 1024 * 1024

CacheMode = Literal["exact", "semantic", "both"]
LogLevel = Literal["debug", "info", "warning", "error"]
SemanticPolicy = Literal["verified", "threshold"]
SemanticProvider = Literal["candle", "embedded", "onnx", "tei", "sidecar"]
EMBEDDED: Final = frozenset({"candle", "embedded", "onnx"})
"""Names of the embedder in this process: they mean the same."""
BUNDLED_MODEL: Final = "all-minilm"
"""The embedding model that comes with Isartor; any other value of `embedding_model` is a folder."""

CLI_ONLY: Final = frozenset({"demo"})
"""Fields that only a command-line option sets: they are no keys of the file or the environment."""


class Server(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the gateway listens, whom it lets in and how much it reads."""

    host: Annotated[
        str,
        Meta(
            min_length=1,
            description="Address to listen on. Any address that is not this machine's own needs `gateway_api_key`.",
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535, description="TCP port to listen on.")] = 8080
    workers: Annotated[int, Meta(ge=1, le=256, description="Worker processes. Each has an exact cache of its own.")] = 1
    shutdown_grace_secs: Annotated[
        float, Meta(ge=0, le=86400, description="Seconds that running replies get to finish after SIGTERM.")
    ] = 30
    max_body_bytes: Annotated[
        int, Meta(ge=1, description="Largest request body in bytes; a larger one gets 413 before it is read.")
    ] = 32 * MIB
    body_timeout_secs: Annotated[
        float, Meta(gt=0, le=86400, description="Seconds that a client may take to send its body.")
    ] = 30
    allow_unauthenticated: Annotated[
        bool, Meta(description="Listen on an outside address without a gateway key: whoever reaches it can use it.")
    ] = False
    allowed_origins: Annotated[
        tuple[str, ...],
        Meta(description="Browser origins that may call besides the gateway's own, as `https://app.example`."),
    ] = ()
    allowed_hosts: Annotated[
        tuple[str, ...],
        Meta(description="Names that a `Host` header may carry besides the gateway's own, as `llm.example`."),
    ] = ()


class SemanticCache(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What decides whether the reply to other words may be given, and where the words are embedded."""

    policy: Annotated[
        SemanticPolicy,
        Meta(
            description="What decides about a likely reply: `verified` by the verifier within `max_error_rate`, "
            "or a bare `threshold` of similarity, which gives wrong answers."
        ),
    ] = "verified"
    max_error_rate: Annotated[
        float, Meta(gt=0, le=0.5, description="Largest expected share of wrong answers among the semantic hits.")
    ] = 0.01
    audit_rate: Annotated[
        float,
        Meta(ge=0, le=1, description="Share of would-be semantic hits that the provider answers, for comparison."),
    ] = 0.02
    provider: Annotated[
        SemanticProvider,
        Meta(
            description="Who embeds: this process (`candle`, `embedded` and `onnx` mean the same), a Text Embeddings "
            "Inference server (`tei`), or an OpenAI-compatible service (`sidecar`)."
        ),
    ] = "candle"
    remote_url: Annotated[
        str | None, Meta(description="Address of the server, if `semantic_cache.provider` is `tei`.")
    ] = None
    threads: Annotated[
        int, Meta(ge=1, le=256, description="Threads of each worker's embedding model, if it runs in this process.")
    ] = 1


class EmbeddingSidecar(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The service that embeds, if `semantic_cache.provider` is `sidecar`."""

    sidecar_url: Annotated[
        str, Meta(min_length=1, description="Address of the service, if `semantic_cache.provider` is `sidecar`.")
    ] = "http://127.0.0.1:8082"
    model_name: Annotated[str, Meta(min_length=1, description="Model that the service is asked for.")] = "all-minilm"
    timeout_seconds: Annotated[
        float, Meta(gt=0, le=3600, description="Seconds that the service, or a TEI server, may take to answer.")
    ] = 10


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole configuration, resolved and checked. Durations are in seconds, sizes in bytes, as the names say."""

    server: Server = Server()
    gateway_api_key: Annotated[
        Secret | None, Meta(description="Key that clients must send. None: whoever reaches the gateway may use it.")
    ] = None
    gateway_keys: Annotated[
        tuple[GatewayKey, ...], Meta(description="Keys that clients may send, each with a label, limits and a budget.")
    ] = ()
    rate_limit: RateLimit = RateLimit()
    concurrency: Concurrency = Concurrency()

    cache_mode: Annotated[
        CacheMode, Meta(description="Which caches answer: `exact` for repeats, `semantic` for other words, or `both`.")
    ] = "both"
    cache_ttl_secs: Annotated[int, Meta(ge=1, description="Seconds that a stored reply answers repeats.")] = 300
    cache_max_capacity: Annotated[int, Meta(ge=1, description="Most replies that the cache holds.")] = 10_000
    cache_max_bytes: Annotated[int, Meta(ge=1, description="Most bytes that the cached replies take together.")] = (
        256 * MIB
    )
    cache_max_entry_bytes: Annotated[
        int, Meta(ge=1, description="Largest single reply that is stored, in bytes; a larger one only passes through.")
    ] = 8 * MIB
    stale_if_error_secs: Annotated[
        int,
        Meta(ge=0, description="Seconds past its time that a reply still answers when the provider fails; 0: never."),
    ] = 0
    scope_agent_sessions: Annotated[
        bool, Meta(description="Keep the sessions that coding agents make up per run apart from each other.")
    ] = False

    similarity_threshold: Annotated[
        float,
        Meta(ge=0, le=1, description="Cosine from which a reply is given, if `semantic_cache.policy` is `threshold`."),
    ] = 0.85
    embedding_model: Annotated[
        str,
        Meta(
            min_length=1,
            description="Model that runs in this process: `all-minilm`, which comes with Isartor, or the folder of "
            "another ONNX model.",
        ),
    ] = BUNDLED_MODEL
    semantic_cache: SemanticCache = SemanticCache()
    embedding_sidecar: EmbeddingSidecar = EmbeddingSidecar()

    llm_provider: Annotated[str, Meta(min_length=1, description="Provider that gets what is not answered here.")] = (
        "openai"
    )
    external_llm_url: Annotated[
        str | None, Meta(description="Provider's address: host, base, or full path. None: the provider's own.")
    ] = None
    external_llm_model: Annotated[
        str | None, Meta(description="Model for requests that name none. None: the provider's usual one.")
    ] = None
    external_llm_api_key: Annotated[Secret | None, Meta(description="Key for the provider.")] = None
    provider_keys: Annotated[
        tuple[ProviderKey, ...], Meta(description="Several keys for the provider, in place of `external_llm_api_key`.")
    ] = ()
    key_rotation_strategy: Annotated[
        KeyRotation, Meta(description="How a provider's keys take turns: one after the other, or by `priority`.")
    ] = "round_robin"
    key_cooldown_secs: Annotated[
        float, Meta(gt=0, le=86400, description="Seconds that a key rests after 429 or a used-up quota.")
    ] = 60
    azure_deployment_id: Annotated[str | None, Meta(description="Deployment, if the provider is `azure`.")] = None
    azure_api_version: Annotated[str, Meta(min_length=1, description="API version, if the provider is `azure`.")] = (
        "2024-08-01-preview"
    )
    fallback_providers: Annotated[
        tuple[FallbackProvider, ...], Meta(description="Providers that are asked, in this order, when the first fails.")
    ] = ()
    retry: Retry = Retry()
    breaker: Breaker = Breaker()
    hedge_after_ms: Annotated[
        int,
        Meta(ge=0, le=600_000, description="Ask the next provider as well if no byte has come by then; 0: never."),
    ] = 0
    session_affinity: Annotated[
        bool, Meta(description="Keep the requests of a session on one provider and key while it is healthy.")
    ] = True
    model_aliases: Annotated[
        dict[str, str],
        Meta(description="Names that clients may use for a model, each with the real one; resolved once."),
    ] = msgspec.field(default_factory=dict)
    l3_timeout_secs: Annotated[
        float, Meta(gt=0, le=86400, description="Seconds that a whole reply may take, when it is no stream.")
    ] = 120
    l3_connect_timeout_secs: Annotated[
        float, Meta(gt=0, le=86400, description="Seconds to connect to the provider, TLS included.")
    ] = 10
    l3_first_byte_timeout_secs: Annotated[
        float, Meta(gt=0, le=86400, description="Seconds until the first byte of a reply.")
    ] = 120
    l3_read_timeout_secs: Annotated[
        float, Meta(gt=0, le=86400, description="Longest silence of the provider in seconds, between two chunks too.")
    ] = 120
    offline_mode: Annotated[
        bool, Meta(description="Send nothing to the outside; providers on private addresses still answer.")
    ] = False
    offline_allowed_hosts: Annotated[
        tuple[str, ...],
        Meta(description="Provider hosts that are allowed in offline mode too; `*.example` for all below it."),
    ] = ()

    provider_health_check_interval_secs: Annotated[
        int, Meta(ge=0, le=86400, description="Seconds between two pings of each provider in the background; 0: none.")
    ] = 300

    enable_usage: Annotated[bool, Meta(description="Write what each request used and saved to `usage.jsonl`.")] = True
    usage_log_path: Annotated[str, Meta(min_length=1, description="Folder of `usage.jsonl`.")] = "~/.isartor"
    usage_retention_days: Annotated[int, Meta(ge=1, le=3660, description="Days that usage is kept.")] = 30
    usage_window_hours: Annotated[int, Meta(ge=1, le=87_840, description="Hours that a report covers by default.")] = 24
    usage_pricing: Annotated[
        dict[str, Price], Meta(description="Prices of a provider, or of one model as `provider/model`.")
    ] = msgspec.field(default_factory=dict)
    quota: Annotated[dict[str, Quota], Meta(description="How much of a provider may be used.")] = msgspec.field(
        default_factory=dict
    )

    enable_request_logs: Annotated[
        bool, Meta(description="Write each request and its reply to a log, secrets removed.")
    ] = False
    request_log_path: Annotated[str, Meta(min_length=1, description="Folder of the request log.")] = (
        "~/.isartor/request_logs"
    )

    log_level: Annotated[LogLevel, Meta(description="Least severe log line that is written.")] = "info"

    demo: Annotated[bool, Meta(description="Answer misses with the built-in demo provider.")] = False

    inactive: tuple[str, ...] = ()
    """Keys that are set and known but have no effect in this version."""
    warnings: tuple[str, ...] = ()
    """Other things worth a line at the start: settings that do not do what they seem to."""
