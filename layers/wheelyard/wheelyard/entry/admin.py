"""The admin function: users, by direct invocation with the payloads that serverless-pypi has.

``{"putUser": {"username": "…", "password": "…", "upload": true}}`` and ``{"removeUser": "…"}``.
"""

import logging
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from wheelyard.access.users import Users
from wheelyard.entry.tracing import Handler, traced
from wheelyard.errors import InvalidPayload, InvalidUser
from wheelyard.settings import Settings
from wheelyard.storage.opening import open_bucket

_logger = logging.getLogger(__name__)

_TEXT = {"type": "string", "minLength": 1}

PAYLOAD = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
    "properties": {
        "putUser": {
            "type": "object",
            "required": ["username", "password"],
            "additionalProperties": False,
            "properties": {"username": _TEXT, "password": _TEXT, "upload": {"type": "boolean"}},
        },
        "removeUser": _TEXT,
    },
}
"""The JSON schema of a payload: one order at a time."""

# These say which property is meant; the messages of all others show the value, which may be a password.
_TELLING = {"required", "additionalProperties"}


def admin_handler(environ: Mapping[str, str]) -> Handler:
    """A handler that carries out one order on the users and returns what it did.

    The answers are ``{"user", "upload"}`` and ``{"user", "removed"}``, where ``removed`` says whether
    there was such a user. The handler raises ``InvalidPayload``, naming the place in the payload, and
    ``StorageError``; Lambda reports both to the invoker as a function error. Raises ``InvalidSetting``.
    """
    settings = Settings.from_env(environ)
    logging.getLogger("wheelyard").setLevel(settings.logging_level)
    users = Users(open_bucket(environ, settings.presign_lifetime))

    def handle(event: Any, context: Any) -> dict[str, object]:
        del context
        check(event)
        done = (
            _put(users, event["putUser"])
            if "putUser" in event
            else _remove(users, event["removeUser"])
        )
        _logger.info("users changed", extra={"fields": done})
        return done

    return traced(environ, "admin", handle)


def check(payload: object) -> None:
    """Raises ``InvalidPayload`` for a payload that is none of the orders."""
    error = best_match(Draft202012Validator(PAYLOAD).iter_errors(payload))
    if error is not None:
        raise InvalidPayload(_explained(error)) from None


def _explained(error: ValidationError) -> str:
    if error.validator in _TELLING:
        return f"the payload is wrong at {error.json_path}: {error.message}"
    return (
        f"the payload is wrong at {error.json_path}: "
        f"{error.validator} must be {error.validator_value!r}"
    )


def _put(users: Users, order: Mapping[str, Any]) -> dict[str, object]:
    username, upload = order["username"], order.get("upload", False)
    try:
        users.put(username, order["password"], upload=upload)
    except InvalidUser as error:
        raise InvalidPayload(f"the payload is wrong at $.putUser: {error}") from error
    return {"user": username, "upload": upload}


def _remove(users: Users, username: str) -> dict[str, object]:
    return {"user": username, "removed": users.remove(username)}
