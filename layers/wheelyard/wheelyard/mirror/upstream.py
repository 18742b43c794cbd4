"""Asking the upstream index: with time limits, bounded sizes, retries, and credentials kept at home.

Importing this costs a cold start some 60 ms, so it is imported when upstream is really asked.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from random import uniform
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

import requests
from requests.cookies import RequestsCookieJar
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.util import Retry

from wheelyard import __version__
from wheelyard.errors import TooLarge, UpstreamError, UpstreamRefused, UpstreamUnavailable
from wheelyard.mirror.connections import GuardedAdapter, RefusedAddress, is_loopback, is_refused
from wheelyard.mirror.deadline import Deadline
from wheelyard.mirror.location import Location, origin, without_credentials

if TYPE_CHECKING:
    import urllib3

_logger = logging.getLogger(__name__)

MOST_REDIRECTS = 8
_REDIRECTS = (301, 302, 303, 307, 308)
_RETRIED = (429, 500, 502, 503, 504)
_CHUNK = 256 * 1024
# Seconds. Upstream may ask for a longer pause; then its Retry-After is for the client to obey.
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 20


class Answer:
    """An answer whose body is still to be read; ``url`` is where it came from, after redirects."""

    def __init__(self, response: requests.Response, url: str, deadline: Deadline | None) -> None:
        self.status: Final = response.status_code
        self.headers: Final[Mapping[str, str]] = response.headers
        self.url: Final = url
        self._raw: urllib3.HTTPResponse = response.raw
        self._deadline = deadline

    def chunks(self, *, decode: bool = True) -> Iterator[bytes]:
        """The body as it arrives; with ``decode``, content encodings undone.

        Raises ``UpstreamUnavailable`` when it ends early or takes too long.
        """
        try:
            while chunk := self._raw.read1(_CHUNK, decode_content=decode):
                if self._deadline is not None:
                    self._deadline.remaining()
                yield chunk
        except (HTTPError, OSError) as error:
            raise _unavailable(error) from None

    def body(self, most: int) -> bytes:
        """The whole body. Raises ``TooLarge`` for one of more than ``most`` bytes."""
        found = bytearray()
        for chunk in self.chunks():
            found += chunk
            if len(found) > most:
                raise TooLarge(f"upstream's answer has more than {most} bytes")
        return bytes(found)

    @property
    def retry_after(self) -> int | None:
        """The seconds that upstream asks to wait, from either form of the header (RFC 9110, 10.2.3)."""
        try:
            seconds = Retry().parse_retry_after(self.headers.get("retry-after", ""))
        except (InvalidHeader, ValueError, OverflowError):
            return None
        return max(0, int(seconds))


class Upstream:
    """A client of the upstream index, for any number of threads."""

    def __init__(
        self,
        locate: Callable[[], Location],
        timeout: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``timeout`` is for one connection or read, in seconds."""
        self.locate = locate
        self._timeout = timeout
        self._sleep = sleep
        self._session = requests.Session()
        self._session.headers["user-agent"] = f"wheelyard/{__version__}"
        # With an authentication of its own, requests does not look into ~/.netrc.
        self._session.auth = _leave
        self._session.cookies = _NoCookies()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, GuardedAdapter(self._may_be_here))

    def _may_be_here(self, host: str) -> bool:
        """Only the index itself may be on this machine, and where it is, whatever it leads to."""
        index = origin(self.locate().url)
        return index is not None and (host == index.host or is_loopback(index.host))

    @contextmanager
    def get(
        self,
        url: str,
        headers: Mapping[str, str],
        deadline: Deadline | None = None,
        attempts: int = 4,
    ) -> Iterator[Answer]:
        """GET, following redirects, and again after a failure that may pass.

        The answer may have any status; see ``require``. Raises ``UpstreamUnavailable`` and
        ``UpstreamRefused``. Nothing of the URL is in their messages: it may hold a token.
        """
        answer, response = self._patiently(url, headers, deadline, attempts)
        try:
            yield answer
        finally:
            response.close()

    def _patiently(
        self, url: str, headers: Mapping[str, str], deadline: Deadline | None, attempts: int
    ) -> tuple[Answer, requests.Response]:
        pause = _FIRST_PAUSE
        while True:
            attempts -= 1
            pause *= uniform(1.5, 2.5)  # noqa: S311  # so that many clients do not come back together
            try:
                answer, response = self._follow(url, headers, deadline)
                if answer.status not in _RETRIED or attempts <= 0:
                    return answer, response
                response.close()
                failure: UpstreamError = failed(answer)
            except UpstreamUnavailable as error:
                if attempts <= 0:
                    raise
                failure = error
            wait = max(pause, failure.retry_after or 0)
            if wait > _LONGEST_PAUSE or (deadline is not None and wait >= deadline.remaining()):
                raise failure
            _logger.info("upstream is asked again: %s", failure)
            self._sleep(wait)

    def _follow(
        self, url: str, headers: Mapping[str, str], deadline: Deadline | None
    ) -> tuple[Answer, requests.Response]:
        location = self.locate()
        url = without_credentials(url)
        for _ in range(MOST_REDIRECTS + 1):
            response = self._send(url, headers, location, deadline)
            target = response.headers.get("location")
            if response.status_code not in _REDIRECTS or target is None:
                return Answer(response, url, deadline), response
            response.close()
            url = redirected(url, target)
        raise UpstreamRefused(f"upstream redirects more than {MOST_REDIRECTS} times")

    def _send(
        self, url: str, headers: Mapping[str, str], location: Location, deadline: Deadline | None
    ) -> requests.Response:
        found = origin(url)
        if found is None or is_refused(found.host):
            raise UpstreamRefused("upstream leads to an address that is not asked")
        sent = dict(headers)
        if (authorization := location.authorization_for(url)) is not None:
            sent["authorization"] = authorization
        left = self._timeout if deadline is None else deadline.remaining()
        timeout = min(self._timeout, left)
        try:
            return self._session.get(
                url, headers=sent, timeout=timeout, stream=True, allow_redirects=False
            )
        # The messages have the URL in them, and so would the log: hence no cause.
        except ValueError:  # what requests raises for a malformed URL is one
            raise UpstreamRefused("upstream gives a URL that cannot be asked") from None
        except (requests.RequestException, HTTPError, OSError) as error:
            raise _unavailable(error) from None


def require(answer: Answer, *statuses: int) -> Answer:
    """``answer``, if its status is among ``statuses``. Raises ``UpstreamError``."""
    if answer.status not in statuses:
        raise failed(answer)
    return answer


def failed(answer: Answer) -> UpstreamError:
    """What an answer of an unwanted status means."""
    message = f"upstream answers {answer.status}"
    if answer.status in (401, 403, 407):
        return UpstreamRefused(f"{message}: check the credentials in UPSTREAM_INDEX_URL")
    if answer.status in _RETRIED:
        return UpstreamUnavailable(message, answer.retry_after)
    return UpstreamRefused(message, answer.retry_after)


def redirected(url: str, target: str) -> str:
    """Where a redirect from ``url`` leads, without credentials. Raises ``UpstreamRefused``."""
    try:
        found = urljoin(url, target)
    except ValueError:
        raise UpstreamRefused("upstream redirects to something that is no URL") from None
    before, after = origin(url), origin(found)
    if before is None or after is None:
        raise UpstreamRefused("upstream redirects to something else than http or https")
    if before.scheme == "https" and after.scheme == "http":
        raise UpstreamRefused("upstream redirects from https to http")
    return without_credentials(found)


def _unavailable(error: Exception) -> UpstreamError:
    causes = [error, *getattr(error, "args", ()), getattr(error, "reason", None)]
    causes += [getattr(cause, "reason", None) for cause in causes]
    if any(isinstance(cause, RefusedAddress) for cause in causes):
        return UpstreamRefused("upstream leads to an address that is not asked")
    kinds = " ".join(type(cause).__name__ for cause in causes if cause is not None)
    if "SSL" in kinds:
        return UpstreamRefused("upstream's certificate is not one that this machine trusts")
    if "Timeout" in kinds:
        return UpstreamUnavailable("upstream takes too long to answer")
    if "IncompleteRead" in kinds:
        return UpstreamUnavailable("upstream's answer ends too early")
    if "Decode" in kinds:
        return UpstreamUnavailable("upstream's answer cannot be decompressed")
    return UpstreamUnavailable("upstream cannot be reached")


def _leave(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


class _NoCookies(RequestsCookieJar):
    """Keeps nothing: one answer's cookies are no part of another request."""

    def set_cookie(self, cookie: object, *arguments: object, **options: object) -> None:
        """Forget it."""
