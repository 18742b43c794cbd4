"""A front of one's own before a function that all the world can reach, such as CloudFront.

The front sends a secret, so that nobody goes around it and what it forbids. Only then is it believed which
host the client asked: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html
"""

import hmac

from wheelyard.entry.http import Request
from wheelyard.errors import Forbidden

_SECRET = "x-origin-secret"  # noqa: S105  (the header's name)
_HOST = "x-forwarded-host"


def from_front(request: Request, secret: str) -> Request:
    """The request as the client sent it to the front; without a ``secret``, as it is.

    Raises ``Forbidden`` for one that did not come through the front.
    """
    if not secret:
        return request
    given = request.headers.get(_SECRET, "")
    if not hmac.compare_digest(given.encode(), secret.encode()):
        raise Forbidden("this index has another address: ask those who run it")
    headers = {name: value for name, value in request.headers.items() if name != _SECRET}
    return request._replace(headers=headers, host=headers.get(_HOST) or request.host)
