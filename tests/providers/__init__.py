"""The upstreams."""
