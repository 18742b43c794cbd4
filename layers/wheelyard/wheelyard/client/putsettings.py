"""Settings of S3's PutObject for files that are uploaded straight into a bucket, by the names it has them.

Which names there are, and what each may be, says boto3's own description of the service.
"""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from wheelyard.errors import InvalidSetting
from wheelyard.storage.settled import PutHeaders
from wheelyard.storage.store import Pairs

if TYPE_CHECKING:
    from botocore.model import Shape

_OWN = "the upload sets it itself"
_UNREADABLE = "with a key of your own nobody could read the file but by that key"
_CHECKSUMS = "S3 is told the algorithm (ChecksumAlgorithm), and computes it"
_REFUSED = {
    "Bucket": _OWN,
    "Key": _OWN,
    "SSECustomerAlgorithm": _UNREADABLE,
    "SSECustomerKey": _UNREADABLE,
    "SSECustomerKeyMD5": _UNREADABLE,
    "ContentEncoding": "clients would decode the file, and its digest would be wrong",
}
_SLOW = ("GLACIER", "DEEP_ARCHIVE")

_ENCRYPTION = {
    "ServerSideEncryption": "AWS_SERVER_SIDE_ENCRYPTION",
    "SSEKMSKeyId": "AWS_SSE_KMS_KEY_ID",
    "BucketKeyEnabled": "AWS_SSE_BUCKET_KEY_ENABLED",
}
_REQUESTS = ("ExpectedBucketOwner", "RequestPayer")
_CONTENTS = ("ContentType", "ContentDisposition", "ContentLanguage", "WebsiteRedirectLocation")

_KINDS = {
    "boolean": "true or false",
    "integer": "a whole number",
    "map": "key=value,key=value",
    "string": "a text",
    "timestamp": "a time such as 2030-12-31T00:00:00Z",
}
_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[ -~]+")
# A comma is part of a value, such as of "no-cache, private", unless another argument begins after it.
_NEXT = re.compile(r",\s*(?=[A-Z][A-Za-z0-9]*=)")


class PutSettings(NamedTuple):
    """What settings come to.

    ``variables``  of the environment, for what holds for everything that is written: encryption
    ``headers``    of package files, and of requests
    """

    variables: Mapping[str, str]
    headers: PutHeaders


def read_put_args(texts: Iterable[str]) -> dict[str, Any]:
    """The arguments in ``NAME=VALUE,NAME=VALUE``, or in JSON objects. Raises ``InvalidSetting``."""
    found: dict[str, Any] = {}
    for text in texts:
        for name, value in _pairs(text.strip()):
            if name in found:
                raise InvalidSetting(f"--put-args has {name} twice: give it once")
            found[name] = value
    return found


def _pairs(text: str) -> Iterable[tuple[str, Any]]:
    if text.startswith("{"):
        try:
            return list(json.loads(text).items())
        except ValueError as error:
            raise InvalidSetting(f"--put-args {text!r:.200} is not JSON: {error}") from error
    pairs = []
    for each in _NEXT.split(text):
        name, separator, value = each.partition("=")
        if not separator or not name.strip():
            raise InvalidSetting(
                f"--put-args has {each!r:.200}: write NAME=VALUE, more of them after commas"
            )
        pairs.append((name.strip(), value.strip()))
    return pairs


def put_settings(args: Mapping[str, Any]) -> PutSettings:
    """Check arguments of PutObject; values may be texts, or of the types that boto3 takes.

    Raises ``InvalidSetting``, which names the argument and says what is allowed.
    """
    operation = _operation("CreateMultipartUpload")
    checked = {name: _checked(name, value) for name, value in args.items()}
    encryption = {_ENCRYPTION[name]: checked.pop(name) for name in _ENCRYPTION if name in checked}
    requests = {name: checked.pop(name) for name in _REQUESTS if name in checked}
    contents = {name: checked.pop(name) for name in _CONTENTS if name in checked}
    variables = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in encryption.items()
    }
    if "RequestPayer" in requests:
        variables["AWS_REQUEST_PAYER"] = requests["RequestPayer"]
    headers = (_headers(operation, group) for group in (requests, checked, contents))
    return PutSettings(variables, PutHeaders(*headers))


def allowed() -> "dict[str, Shape]":
    """The arguments that can be given, as boto3 describes them.

    An upload in parts takes those of PutObject, but for what is about a body sent with them.
    """
    known = _operation("CreateMultipartUpload").input_shape.members
    put = _operation("PutObject").input_shape.members
    return {name: known[name] for name in put if name in known and name not in _REFUSED}


@cache
def _operation(name: str) -> Any:
    from botocore.session import Session

    return Session().get_service_model("s3").operation_model(name)


def _checked(name: str, given: object) -> Any:
    shape = allowed().get(name)
    if shape is None:
        raise InvalidSetting(
            f"{name!r:.100} cannot be set: {_reason(name)}. Allowed are {', '.join(allowed())}"
        )
    value = _value(name, given, shape)
    if choices := getattr(shape, "enum", ()):
        choices = [each for each in choices if each not in _SLOW]
        if value in _SLOW:
            raise InvalidSetting(
                f"{name} is {value!r}: nobody can install files from there at once"
            )
        if value not in choices:
            raise InvalidSetting(f"{name} is {value!r:.100}: S3 knows {', '.join(choices)}")
    return value


def _reason(name: str) -> str:
    if name in _REFUSED:
        return _REFUSED[name]
    if name.startswith("Checksum"):
        return _CHECKSUMS
    if name in _operation("PutObject").input_shape.members:
        return _OWN
    return "S3's PutObject has no such argument"


def _value(name: str, given: object, shape: "Shape") -> Any:
    """The value in boto3's type."""
    from botocore.validate import ParamValidator

    value: Any = given
    if isinstance(given, str):
        value = _typed(given, shape.type_name)
    elif name == "Tagging" and isinstance(given, Mapping):
        value = urlencode(given)
    if ParamValidator().validate(value, shape).has_errors():
        raise InvalidSetting(f"{name} is {given!r:.100}: write {_KINDS[shape.type_name]}")
    return value


def _typed(text: str, kind: str) -> object:
    if kind == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind == "integer" and text.isdecimal():
        return int(text)
    if kind == "map":
        pairs = [each.strip().partition("=") for each in text.split(",")]
        if all(key and separator for key, separator, _ in pairs):
            return {key: value for key, _, value in pairs}
    return text


def _headers(operation: Any, args: Mapping[str, Any]) -> Pairs:
    from botocore.serialize import create_serializer

    serializer = create_serializer(operation.service_model.protocol)
    request = serializer.serialize_to_request({"Bucket": "b", "Key": "k", **args}, operation)
    headers = tuple((name.lower(), str(value)) for name, value in request["headers"].items())
    for name, value in headers:
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise InvalidSetting(
                f"the header {name!r:.100} would be {value!r:.100}: S3 takes letters, digits and signs "
                "of ASCII there"
            )
    return headers
