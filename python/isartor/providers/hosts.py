"""Which hosts count as this machine or a private network, decided from the name alone.

No name is looked up: in offline mode the look-up itself would already be traffic to the outside.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

# RFC 1918, RFC 4193 and loopback. Link-local is left out: cloud metadata services live there.
_PRIVATE: Final = tuple(
    ip_network(net) for net in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
# Names that the public DNS does not delegate: RFC 6761, RFC 6762 (appendix G), RFC 8375 and ICANN's
# `.internal`.
_PRIVATE_SUFFIXES: Final = (
    ".localhost",
    ".local",
    ".internal",
    ".intranet",
    ".private",
    ".corp",
    ".home",
    ".lan",
    ".home.arpa",
)
# What the HTTP client reads as it stands here. In anything else it may see another host: it takes an escape, a
# backslash or a full stop of another script apart, and a last label that is a number for an IPv4 address.
_NAME: Final = re.compile(r"(?:[a-z0-9_-]+\.)*(?!(?:[0-9]+|0x[0-9a-f]*)\Z)[a-z0-9_-]+")


def is_loopback(host: str) -> bool:
    """Whether `host` (a name or an address, IPv6 with or without brackets) is this machine."""
    host = _bare(host)
    if host == "localhost" or host.endswith(".localhost"):
        return _NAME.fullmatch(host) is not None
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback


def is_private(host: str) -> bool:
    """Whether `host` is this machine, a private address, or a name that only a private network can resolve.

    A name of one label (`ollama`, a container's name) is private.
    """
    host = _bare(host)
    try:
        address = ip_address(host)
    except ValueError:
        return _NAME.fullmatch(host) is not None and ("." not in host or host.endswith(_PRIVATE_SUFFIXES))
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in net for net in _PRIVATE if net.version == address.version)


def allowed_offline(host: str, allowed: Iterable[str]) -> bool:
    """Whether offline mode lets a call go to `host`: private, or named in `allowed`.

    An entry is a host, or `*.` and a domain for all names below it.
    """
    bare = _bare(host)
    return is_private(bare) or any(_matches(bare, _bare(entry)) for entry in allowed)


def _matches(host: str, entry: str) -> bool:
    if entry.startswith("*."):
        return host.endswith(entry[1:]) and _NAME.fullmatch(host) is not None
    return host == entry


def _bare(host: str) -> str:
    return host.strip().strip("[]").rstrip(".").lower()
