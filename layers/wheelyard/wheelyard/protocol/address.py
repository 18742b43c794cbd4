"""The address of a server: an http or https URL in its parts (RFC 3986, 3).

urllib knows more of URLs than a function needs when it starts, and importing it costs a cold start more
than a millisecond.
"""

import re
from typing import NamedTuple

_ADDRESS = r"""(?x)
    (?P<scheme> https?) ://
    (?: (?P<userinfo> [^\s/?\#]*) @ )?
    (?P<host> \[ [0-9A-Fa-f:.]+ \] | [^\s/?\#@:\[\]]+ )
    (?: : (?P<port> [0-9]{0,5}) )?
    (?P<path> / [^?\#]* )?
"""


class Address(NamedTuple):
    """``userinfo`` is None where there is none, and ``port`` where it is the scheme's own.

    ``host`` is in lower case, an IPv6 address in its brackets.
    """

    scheme: str
    userinfo: str | None
    host: str
    port: int | None
    path: str


def parse_address(text: str) -> Address | None:
    """The parts of a URL without query and fragment, None where ``text`` is none."""
    match = re.fullmatch(_ADDRESS, text)
    if match is None:
        return None
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 0 < port < 1 << 16:
        return None
    host = match["host"].lower()
    return Address(match["scheme"], match["userinfo"], host, port, match["path"] or "")
