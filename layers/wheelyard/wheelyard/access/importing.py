"""Users of other indexes, read from where those keep them. Pure: text in, records out."""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from wheelyard.access.passwords import check_hash, hash_password
from wheelyard.access.rights import Rights, parse_rights
from wheelyard.access.users import check_username
from wheelyard.errors import InvalidUser
from wheelyard.storage import keys

_DIGEST = re.compile(r"[0-9a-f]{64}")
# /s3pypi/<domain>/users/<name>
_PARAMETER = re.compile(r"/s3pypi/[^/]+/users/([^/]+)")


class ImportedUser(NamedTuple):
    """Somebody to be taken in. ``rights`` None are for the importer to give.

    ``key`` is where the record belongs; ``name`` is None where only the key is known.
    """

    key: str
    name: str | None
    hash: str
    rights: Rights | None = None

    def __repr__(self) -> str:
        """The hash stays out of logs."""
        return f"<ImportedUser {self.name!r}>"


def from_htpasswd(text: str) -> Iterator[ImportedUser]:
    """The users of an Apache ``htpasswd`` file, as pypiserver has it. Raises ``InvalidUser``."""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line and not line.startswith("#"):
            name, _, stored = line.partition(":")
            yield _named(name, stored, f"line {number}")


def from_elasticpypi(text: str, rounds: int) -> Iterator[ImportedUser]:
    """The users of elasticpypi's ``USERS=name:password,…``, hashed with ``rounds``.

    Raises ``InvalidUser``.
    """
    for number, pair in enumerate(text.strip().removeprefix("USERS=").strip("\"'").split(","), 1):
        name, colon, password = pair.strip().partition(":")
        if not colon or not password:
            raise InvalidUser(f"user {number} is not written as name:password")
        yield _named(name, hash_password(password, rounds), f"user {number}")


def from_s3pypi(document: Any) -> Iterator[ImportedUser]:
    """The users of s3pypi, from what ``aws ssm get-parameters-by-path`` prints.

    s3pypi hashes with SHA-1 and a salt of any length, which is LDAP's ``{SSHA}`` written otherwise.
    Raises ``InvalidUser``.
    """
    try:
        for parameter in document["Parameters"]:
            match = _PARAMETER.fullmatch(parameter["Name"])
            if match is None:
                continue
            record = json.loads(parameter["Value"])
            digest = bytes.fromhex(record["password_hash"]) + record["password_salt"].encode()
            yield _named(match[1], "{SSHA}" + b64encode(digest).decode(), match[1])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidUser(f"these are no parameters of s3pypi: {type(error).__name__}") from error


def from_serverless_pypi(objects: Iterable[tuple[str, bytes]]) -> Iterator[ImportedUser]:
    """The users of serverless-pypi, from the keys below its ``users/`` and what is stored there.

    The records are as this index has them, rights included. Raises ``InvalidUser``.
    """
    for key, body in objects:
        label = key.removesuffix(".json")
        try:
            record: Mapping[str, Any] = json.loads(body)
            given = parse_rights(record)
            stored = record["hash"]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InvalidUser(f"the user record {key[:100]!r} cannot be read") from error
        if _DIGEST.fullmatch(label):
            _check_hash(stored, label)
            yield ImportedUser(f"{keys.USERS}{label}.json", record.get("username"), stored, given)
        else:
            yield _named(label, stored, label)._replace(rights=given)


def _named(name: str, stored: str, label: str) -> ImportedUser:
    check_username(name)
    _check_hash(stored, label)
    return ImportedUser(keys.user(name), name, stored)


def _check_hash(stored: object, label: str) -> None:
    if not isinstance(stored, str):
        raise InvalidUser(f"the hash of {label!r} is no text")
    try:
        check_hash(stored)
    except InvalidUser as error:
        raise InvalidUser(f"{label}: {error}") from error
