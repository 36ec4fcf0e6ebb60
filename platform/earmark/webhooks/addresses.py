"""Which addresses a webhook may lead to: the public internet, and what the installation allows.

An address that people may choose is a way to make this machine ask others on its network. So only
public addresses are connected to, unless ``EARMARK_WEBHOOK_ALLOW_PRIVATE`` names their range, and
what is checked is the address itself that the connection is made to, not a name that may lead
elsewhere a moment later.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import TypeAlias

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""An IPv4 address behind it is reached by way of a translator (RFC 6052)."""
_LOCALLY_TRANSLATED = ipaddress.IPv6Network("64:ff9b:1::/48")
_SITE_LOCAL = ipaddress.IPv6Network("fec0::/10")
"""What private networks had before ``fc00::/7`` (RFC 3879); Python takes it for public."""


def allowed_networks() -> list[Network]:
    """Return the ranges that are allowed although they are not public.

    Raises
    ------
    ImproperlyConfigured
        If the setting holds something else than ranges.
    """
    ranges: Sequence[str] = settings.EARMARK_WEBHOOK_ALLOW_PRIVATE
    try:
        return [ipaddress.ip_network(text) for text in ranges]
    except ValueError as error:
        raise ImproperlyConfigured(
            f"EARMARK_WEBHOOK_ALLOW_PRIVATE: {error}; write ranges such as 10.0.0.0/8."
        ) from error


def is_allowed(text: str, allowed: Sequence[Network]) -> bool:
    """Say whether a connection to an address, as `socket.getaddrinfo` writes it, may be made."""
    address = ipaddress.ip_address(text.partition("%")[0])
    return all(_is_fit(one, allowed) for one in (address, *_meant_by(address)))


def _is_fit(address: Address, allowed: Sequence[Network]) -> bool:
    if any(address in network for network in allowed):
        return True
    if address.is_multicast or address.is_reserved or address.is_unspecified:
        return address in _TRANSLATED
    inside = (_LOCALLY_TRANSLATED, _SITE_LOCAL)
    return address.is_global and not any(address in network for network in inside)


def _meant_by(address: Address) -> list[Address]:
    """Return the IPv4 address that is behind an IPv6 address of some kinds."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    meant: list[Address | None] = [address.ipv4_mapped, address.sixtofour]
    meant += address.teredo or ()
    if address in _TRANSLATED:
        meant.append(ipaddress.IPv4Address(address.packed[-4:]))
    return [one for one in meant if one is not None]
