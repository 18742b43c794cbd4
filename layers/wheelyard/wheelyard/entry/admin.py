"""The admin function: users, tokens and the rest, by direct invocation.

``{"putUser": {"username": "…", "password": "…", "upload": true}}`` and ``{"removeUser": "…"}`` are
serverless-pypi's payloads; ``entry.orders`` has them all. An order without an argument may also be sent as
its name alone, as serverless-pypi's ``"reindex"`` is.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from wheelyard.audit.event import Actor
from wheelyard.entry.orders import ORDERS, Answer, Office
from wheelyard.entry.tracing import Handler, traced
from wheelyard.entry.workflow import workflow
from wheelyard.errors import (
    InvalidName,
    InvalidPayload,
    InvalidPublisher,
    InvalidToken,
    InvalidUser,
)
from wheelyard.settings import Settings
from wheelyard.storage.opening import open_bucket

_logger = logging.getLogger(__name__)

# These say which property is meant; the messages of all others show the value, which may be a password.
_TELLING = {"required", "additionalProperties"}


def admin_handler(environ: Mapping[str, str]) -> Handler:
    """A handler that carries out one order and returns what it did, as a small document.

    The handler raises ``InvalidPayload``, naming the place in the payload, and ``StorageError``; Lambda
    reports both to the invoker as a function error. Raises ``InvalidSetting``.
    """
    settings = Settings.from_env(environ)
    logging.getLogger("wheelyard").setLevel(settings.logging_level)
    store = open_bucket(environ, settings.presign_lifetime)
    reindex = workflow(environ)

    def handle(event: Any, context: Any) -> Answer:
        return carry_out(Office(settings, store, time.time, _actor(context), reindex), event)

    return traced(environ, "admin", handle)


def _actor(context: Any) -> Actor:
    """Who invokes the function, as they say themselves: Lambda does not tell.

    What Lambda vouches for is the request id, by which AWS CloudTrail knows who it was
    (https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html).
    """
    client = getattr(context, "client_context", None)
    said = getattr(client, "custom", None) or {}
    user, machine = (str(said.get(name) or "")[:200] for name in ("user", "client"))
    request_id = str(getattr(context, "aws_request_id", None) or "")
    return Actor(user, "admin function", client=machine, request_id=request_id)


def carry_out(office: Office, payload: object) -> Answer:
    """Check a payload and do what it says. Raises ``InvalidPayload`` and ``StorageError``."""
    if isinstance(payload, str):
        payload = {payload: {}}
    name, argument = _order(payload)
    try:
        done = ORDERS[name].carry_out(office, argument)
    except (InvalidName, InvalidPublisher, InvalidToken, InvalidUser) as error:
        raise InvalidPayload(f"the payload is wrong at $.{name}: {error}") from error
    told = {key: value for key, value in done.items() if key != "token" and not _many(value)}
    _logger.info("%s", name, extra={"fields": {"order": name, **told}})
    return done


def _order(payload: object) -> tuple[str, Any]:
    """The one order in the payload and its argument. Raises ``InvalidPayload``."""
    schema = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {name: order.schema for name, order in ORDERS.items()},
    }
    error = best_match(Draft202012Validator(schema).iter_errors(payload))
    if error is not None:
        raise InvalidPayload(_explained(error)) from None
    assert isinstance(payload, dict)  # noqa: S101  (the schema says so)
    return next(iter(payload.items()))


def _explained(error: ValidationError) -> str:
    if error.validator in _TELLING:
        return f"the payload is wrong at {error.json_path}: {error.message}"
    return (
        f"the payload is wrong at {error.json_path}: "
        f"{error.validator} must be {error.validator_value!r}"
    )


def _many(value: object) -> bool:
    return isinstance(value, list) and len(value) > 0 and isinstance(value[0], dict)
