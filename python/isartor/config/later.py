"""Keys that this version knows but does not act on yet.

A file written for another version of Isartor must load, so these are accepted with any value; which of them are set is
kept in `Config.inactive`, and `isartor up` says it once. When a layer arrives, its keys move to `schema`.
"""

from __future__ import annotations

from typing import Final

IN_EFFECT_ANYWAY: Final[dict[str, object]] = {
    "cache_backend": "memory",
    "classifier_routing.enabled": False,
    "enable_context_optimizer": False,
    "enable_monitoring": False,
    "enable_slm_router": False,
}
"""Values that describe what this version does as it is: no reason to say that they have no effect."""

TABLES: Final = ("classifier_routing.matrix",)
"""Tables whose keys the user names."""

KEYS: Final = (
    "cache_backend",
    "classifier_routing.artifacts_path",
    "classifier_routing.confidence_threshold",
    "classifier_routing.enabled",
    "classifier_routing.fallback_to_existing_routing",
    "classifier_routing.rules",
    "context_optimizer_dedup",
    "context_optimizer_dedup_mode",
    "context_optimizer_minify",
    "embedded.model_path",
    "enable_context_optimizer",
    "enable_monitoring",
    "enable_slm_router",
    "hf_cache_dir",
    "inference_engine",
    "layer2.classifier_mode",
    "layer2.max_answer_tokens",
    "layer2.model_name",
    "layer2.sidecar_url",
    "layer2.timeout_seconds",
    "local_slm_model",
    "local_slm_url",
    "model_path",
    "otel_exporter_endpoint",
    "proxy_port",
    "redis_db",
    "redis_url",
    "router_backend",
    "vllm_model",
    "vllm_url",
    *TABLES,
)

SPELLINGS: Final = {
    "exact_cache.provider": "cache_backend",
    "exact_cache.redis_db": "redis_db",
    "exact_cache.redis_url": "redis_url",
    "semantic_backend": "semantic_cache.provider",
    "slm_router.classifier_mode": "layer2.classifier_mode",
    "slm_router.max_answer_tokens": "layer2.max_answer_tokens",
    "slm_router.model": "vllm_model",
    "slm_router.model_path": "model_path",
    "slm_router.provider": "router_backend",
    "slm_router.remote_url": "vllm_url",
    "tei_url": "semantic_cache.remote_url",
}
"""Another spelling of a key, and the key."""
