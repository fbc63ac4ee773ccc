"""Which addresses of the network are everybody's, and what a name leads to.

An address that carries another (IPv4 in IPv6, in its several ways) is as public as that one.

Example:  checked("example.org", 443, 5.0)
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from typing import Final, TypeAlias

IP: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Found: TypeAlias = "tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]"  # as `connect` takes it

METADATA: Final = frozenset(
    map(ipaddress.ip_address, ("169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254"))
)
"""Where clouds answer their own machines, some at addresses that look public."""
CARRIERS: Final = tuple(
    map(ipaddress.IPv6Network, ("::ffff:0:0/96", "64:ff9b::/96", "::/96"))
)  # mapped, NAT64, compatible: the last 32 bits
NOT_PUBLIC: Final = tuple(
    map(ipaddress.IPv6Network, ("64:ff9b:1::/48", "fec0::/10", "5f00::/16"))
)  # whatever a Python's tables say


def public(address: str) -> bool:
    """Whether it is everybody's: neither this machine's, nor its network's, nor a cloud's for its machines, nor for many at once."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner: list[IP] = [*carried(ip)]
    return all(map(_own, inner or [ip]))


def _own(ip: IP) -> bool:
    odd = ip.is_private or ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback or ip.is_link_local
    known = ip in METADATA or (isinstance(ip, ipaddress.IPv6Address) and any(ip in network for network in NOT_PUBLIC))
    return ip.is_global and not odd and not known


def carried(ip: IP) -> list[ipaddress.IPv4Address]:
    """The addresses that one of IPv6 carries."""
    if isinstance(ip, ipaddress.IPv4Address):
        return []
    found = [ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF) for network in CARRIERS if ip in network and int(ip) > 1]
    if ip.sixtofour is not None:
        found.append(ip.sixtofour)
    if ip.teredo is not None:
        found += ip.teredo
    return found


def loopback(address: str) -> bool:
    """Whether it is this machine's."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def resolved(host: str, port: int, seconds: float) -> list[Found]:
    """What a name leads to.  Raises: OSError; `TimeoutError`: the host's resolver does not know of time, so it is left behind."""
    found: list[Found] = []
    errors: list[OSError] = []

    def look_up() -> None:
        try:
            found.extend((family, place) for family, _, _, _, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))  # type: ignore[misc]  # of families that have such
        except OSError as error:
            errors.append(error)
        except UnicodeError:
            errors.append(OSError("the name is none"))

    thread = threading.Thread(target=look_up, daemon=True, name="arenite: look-up")
    thread.start()
    thread.join(seconds)
    if errors:
        raise ConnectionError(f"{host} leads nowhere")
    if thread.is_alive() or not found:
        raise TimeoutError(f"looking for {host} took too long")
    return found


def checked(host: str, port: int, seconds: float, *, also_loopback: bool = False) -> list[Found]:
    """What a name leads to, all of it public.  It is looked up once: who connects uses these.

    `also_loopback`: this machine's are right, too.  Raises: `PermissionError`; as `resolved`.
    """
    found = resolved(host, port, seconds)
    if not all(public(str(place[0])) or (also_loopback and loopback(str(place[0]))) for _, place in found):
        raise PermissionError(f"{host} leads to an address that is not public")
    return found
