"""A secret that stands in a file of its own, as orchestrators mount them."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 # msgspec reads the annotations at run time
from typing import TYPE_CHECKING, Final

import msgspec

from isartor.config import values
from isartor.errors import ConfigError

if TYPE_CHECKING:
    from isartor.config.secret import Secret

_LIMIT: Final = 64 * 1024


class SecretFile(msgspec.Struct, frozen=True):
    """A secret that is still in its file."""

    path: Path

    def read(self, where: str, param: str) -> Secret:
        """Return the secret, without the line end after it. `where`: the setting that names the file.

        Raises `ConfigError` if it cannot be read or holds no usable secret; the message shows nothing of the content.
        """
        file = self.path
        try:
            with file.open("rb") as stream:
                raw = stream.read(_LIMIT + 1)
            text = raw.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            message = f"{where} names {file}, which is not text"
            raise ConfigError(message, param=param) from None
        except (OSError, ValueError) as error:
            # A path with a NUL in it is a ValueError.
            message = f"{where} names {file}, which cannot be read: {getattr(error, 'strerror', None) or error}"
            raise ConfigError(message, param=param) from None
        if len(raw) > _LIMIT:
            message = f"{where} names {file}, which is too large for a secret"
            raise ConfigError(message, param=param)
        if not text.strip():
            message = f"{where} names {file}, which is empty"
            raise ConfigError(message, param=param)
        return values.secret(text, f"the content of {file} ({where})", param)
