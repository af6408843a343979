"""Upstreams: one file per wire format, `registry.py` from id to provider, `transport.py` for the network."""
