"""S3's own operations on objects, for what the store's client does not know: uploads and copies in parts.

Each is a request by a presigned link, since SDKs that know them cost a cold start hundreds of milliseconds
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html).
"""

import logging
import re
from html import unescape
from time import sleep
from typing import TYPE_CHECKING, NamedTuple

from wheelyard.errors import StorageError
from wheelyard.storage.store import Pairs, Store

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_ATTEMPTS = 4

# Said in the body of an answer that began with 200.
_PASSING = ("InternalError", "SlowDown", "ServiceUnavailable")

CONNECTIONS = 8
"""Requests that can be under way at once."""


class Answer(NamedTuple):
    """What S3 answers: an HTTP status, and XML."""

    status: int
    text: str

    @property
    def code(self) -> str:
        """S3's word for what is wrong, empty where nothing is."""
        return element(self.text, "Code") if "<Error>" in self.text else ""

    @property
    def reason(self) -> str:
        """What is wrong, for people."""
        message = element(self.text, "Message") if "<Message>" in self.text else "no reason"
        return f"{self.status} {self.code} {message}"[:400]

    @property
    def good(self) -> bool:
        """Whether it was done. S3 may send 200 before it is, and then say in the body that it failed."""
        return 200 <= self.status < 300 and not self.code


class Operations:
    """Requests to the bucket of a store; keys are the store's."""

    def __init__(self, store: Store) -> None:
        import urllib3

        self._store = store
        # It would log each link at DEBUG, which a function's root logger may be set to.
        logging.getLogger("urllib3").setLevel(logging.INFO)
        # A POST is repeated as well: S3 sweeps what is begun twice, and completing is told apart. After
        # a connection that broke off that is done below: urllib3 would log the whole link.
        retries = urllib3.Retry(
            _ATTEMPTS,
            connect=0,
            read=0,
            other=0,
            status_forcelist=(500, 502, 503, 504),
            allowed_methods=None,
            backoff_factor=0.2,
            raise_on_status=False,
        )
        self._http = urllib3.PoolManager(
            retries=retries, timeout=urllib3.Timeout(60), maxsize=CONNECTIONS
        )

    def ask(
        self, method: str, key: str, query: Pairs = (), body: bytes = b"", headers: Pairs = ()
    ) -> Answer:
        """What S3 answers, whatever its status. Raises ``StorageError`` where it does not answer."""
        for attempt in range(1, _ATTEMPTS + 1):
            raw = self._request(method, key, query, body, (*self._store.request_headers, *headers))
            answer = Answer(raw.status, raw.data.decode("utf-8", "replace"))
            if answer.status >= 300 or answer.code not in _PASSING or attempt == _ATTEMPTS:
                return answer
            sleep(0.1 * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    def _request(
        self, method: str, key: str, query: Pairs, body: bytes, headers: Pairs
    ) -> "BaseHTTPResponse":
        import urllib3

        url, attempt = self._store.signed_url(key, method, query, headers), 1
        assert url is not None  # noqa: S101  (asked when this was chosen)
        while True:
            try:
                return self._http.request(
                    method, url, body=body, headers=dict(headers), redirect=False
                )
            except urllib3.exceptions.HTTPError as error:
                # Its text has the presigned link.
                failure = f"S3 does not answer about {key!r}: {type(error).__name__}"
            if attempt == _ATTEMPTS:
                raise StorageError(failure)
            sleep(0.1 * 2**attempt)
            attempt += 1


def element(xml: str, name: str) -> str:
    """The text of the first element of this name. Raises ``StorageError`` where there is none."""
    found = re.search(f"<{name}>(.*?)</{name}>", xml, re.DOTALL)
    if not found:
        raise StorageError(f"S3's answer about an upload in parts has no {name}")
    return unescape(found[1])
