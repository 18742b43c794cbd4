"""Connections to upstream that end where they must not go.

A page names the hosts of its files, a redirect names another one, and a name server says which address
each has: none of them may lead a function to the cloud's metadata service. So the address is looked at
once the connection stands, before a byte is sent.
"""

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from ssl import SSLContext
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.util.ssl_ import create_urllib3_context

if TYPE_CHECKING:
    from urllib3.poolmanager import PoolManager

# Link-local, and where clouds keep instance metadata outside of it (AWS over IPv6, Google over IPv6,
# Alibaba, Azure). Private networks are where internal indexes are.
_REFUSED = tuple(
    ip_network(network)
    for network in (
        "169.254.0.0/16",
        "fe80::/10",
        "fd00:ec2::/32",
        "fd20:ce::254/128",
        "100.100.100.200/32",
        "168.63.129.16/32",
    )
)
# IPv4 addresses inside IPv6: NAT64 (RFC 6052); mapped ones are known to the library.
_NAT64 = ip_network("64:ff9b::/96")
_POOL_SIZE = 32


class RefusedAddress(NewConnectionError):
    """The host has an address that is never connected to."""


def is_refused(address: str) -> bool:
    """Whether an IP address, with or without a zone, is never to be connected to."""
    try:
        found = ip_address(address.partition("%")[0].strip("[]"))
    except ValueError:
        return False
    found = _embedded(found)
    return any(found in network for network in _REFUSED if network.version == found.version)


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_loopback(host: str) -> bool:
    """Whether an IP address, with or without a zone, is this machine's own."""
    try:
        return _embedded(ip_address(host.partition("%")[0])).is_loopback
    except ValueError:
        return host == "localhost"


Here = Callable[[str], bool]
"""Whether a host may be this machine."""


def _pools(may_be_here: Here) -> dict[str, type[HTTPConnectionPool]]:
    class Guarded(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            connection = super()._new_conn()
            address = connection.getpeername()[0]
            if is_refused(address) or (is_loopback(address) and not may_be_here(self.host)):
                connection.close()
                raise RefusedAddress(self, "its address is not one that upstream may lead to")
            return connection

    class GuardedTls(Guarded, HTTPSConnection):
        pass

    class Pool(HTTPConnectionPool):
        ConnectionCls = Guarded

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = GuardedTls

    return {"http": Pool, "https": TlsPool}


class GuardedAdapter(HTTPAdapter):
    """What a requests session connects with. It retries nothing by itself."""

    def __init__(self, may_be_here: Here) -> None:
        """``may_be_here`` is asked about hosts with an address of this machine: Lambda's own interface is
        there, which hands out the next event.
        """
        self._may_be_here = may_be_here
        super().__init__(max_retries=0, pool_connections=8, pool_maxsize=_POOL_SIZE)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """As the library's own, with pools whose connections are guarded."""
        super().init_poolmanager(*arguments, ssl_context=_trusting_the_machine(), **options)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = _pools(self._may_be_here)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """As the library's own; what a proxy connects to is checked by its address in the URL only."""
        return super().proxy_manager_for(proxy, ssl_context=_trusting_the_machine(), **options)


def _trusting_the_machine() -> SSLContext:
    """The certificates that this machine trusts; requests adds its own, or those it is told of."""
    context = create_urllib3_context()
    context.load_default_certs()
    return context
