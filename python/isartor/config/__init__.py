"""Configuration: what can be set (`schema`), and how it is read (`load`)."""

from isartor.config.credentials import pool, secrets
from isartor.config.load import Loaded, load, load_with_origins
from isartor.config.schema import Config, Server
from isartor.config.secret import Secret

__all__ = ["Config", "Loaded", "Secret", "Server", "load", "load_with_origins", "pool", "secrets"]
