"""Signing in with AWS credentials: the stack's admin function gives a token of hours."""

import platform
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from wheelyard.client.logins import Login, Logins
from wheelyard.client.stack import Outputs, Stack
from wheelyard.errors import NotPossible, RemoteFailure

USERNAME = "__token__"

# A token that ends while a client is at work is of no use.
_LEFT_AT_LEAST = 300


class Account(Protocol):
    """A stack, as seen from here."""

    def outputs(self) -> Outputs:
        """Where it is."""

    def caller(self) -> str:
        """Who asks, as AWS knows them."""

    def order(self, name: str, argument: Mapping[str, Any] | str) -> dict[str, Any]:
        """Have the admin function do something."""


class Wanted(NamedTuple):
    """What to sign in for; an empty URL is the stack's own.

    ``lifetime``  seconds
    """

    stack: str
    region: str | None = None
    profile: str | None = None
    index_url: str = ""
    upload_url: str = ""
    upload: bool = False
    lifetime: int = 12 * 3600


def sign_in(wanted: Wanted, account: Account) -> Login:
    """A login with a new token. Raises ``RemoteFailure`` and ``NotPossible``."""
    outputs = account.outputs()
    index_url = wanted.index_url or outputs.index_url
    upload_url = wanted.upload_url or outputs.upload_url
    if not index_url or not upload_url:
        raise NotPossible(
            f"stack {wanted.stack!r} has a front of yours: say its addresses, by --index-url and "
            "--upload-url"
        )
    login = Login(
        stack=wanted.stack,
        region=wanted.region,
        profile=wanted.profile,
        index_url=f"{index_url.rstrip('/')}/",
        upload_url=upload_url,
        upload=wanted.upload,
        lifetime=wanted.lifetime,
        token="",
        expires=0,
    )
    return _with_token(login, account)


def _with_token(login: Login, account: Account) -> Login:
    made = account.order(
        "createToken",
        {
            "owner": account.caller(),
            "upload": login.upload,
            "lifetime": login.lifetime,
            "description": f"wheelyard login on {platform.node()}"[:255],
        },
    )
    try:
        expires = datetime.fromisoformat(made["expires"]).timestamp()
        return login._replace(token=str(made["token"]), expires=expires)
    except (KeyError, TypeError, ValueError) as error:
        raise RemoteFailure(f"stack {login.stack!r} gave no token that can be used") from error


def current_token(
    logins: Logins,
    service: str,
    account: Callable[[Login], Account],
    now: Callable[[], float] = time.time,
) -> str | None:
    """The token for a URL or host, renewed if it is about to end; None where nobody signed in.

    Raises ``RemoteFailure`` and ``InvalidDocument``.
    """
    login = logins.find(service)
    if login is None or _lasts(login, now):
        return login and login.token
    with logins.renewing():
        # Clients ask from many processes at once: one renews, the others find it done.
        login = logins.find(service) or login
        if not _lasts(login, now):
            login = _with_token(login, account(login))
            logins.put(login)
    return login.token


def _lasts(login: Login, now: Callable[[], float]) -> bool:
    return login.expires - now() > min(_LEFT_AT_LEAST, login.lifetime / 2)


def stack_of(login: Login) -> Stack:
    """The stack that a login is at."""
    return Stack(login.stack, login.region, login.profile)
