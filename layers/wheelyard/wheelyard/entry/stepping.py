"""The handlers of the reindex workflow: one a state, each the state's name in lower case."""

import logging
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from wheelyard.entry.tracing import Handler, traced
from wheelyard.errors import InvalidPayload
from wheelyard.settings import Settings
from wheelyard.storage.opening import open_bucket

if TYPE_CHECKING:
    from wheelyard.mirror.payloads import Activated, Fetched, Restarted, Sharded
    from wheelyard.mirror.reindex import Reindex

_logger = logging.getLogger(__name__)

_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_COUNT = {"type": "integer", "minimum": 0}
_BUCKET = {"type": "integer", "minimum": 0, "maximum": 255}
_BOOLEAN = {"type": "boolean"}


def _object(**properties: object) -> dict[str, object]:
    return {
        "type": "object",
        "required": list(properties),
        "additionalProperties": False,
        "properties": properties,
    }


_PART = _object(key={"type": "string", "pattern": "^upstream/parts/"}, first=_BUCKET, last=_BUCKET)
_FETCHED = _object(
    outcome={"enum": ["changed", "relist", "unchanged"]},
    base=_TEXT_OR_NULL,
    snapshot=_TEXT,
    source=_TEXT,
    sourceId=_TEXT,
    fetchedAt=_TEXT,
    etag=_TEXT_OR_NULL,
    lastModified=_TEXT_OR_NULL,
    serial={"type": ["integer", "null"]},
    names=_COUNT,
    parts={"type": "array", "items": _PART},
)
_DIGESTS = {"type": "array", "items": {"type": "string", "pattern": "^([0-9a-f]{32})?$"}}
_SHARDED = _object(first=_BUCKET, digests=_DIGESTS, names=_COUNT, written=_COUNT)

PAYLOADS: Mapping[str, Mapping[str, object]] = {
    "fetch": _object(force=_BOOLEAN, relist=_BOOLEAN),
    "shard": _object(part=_PART, base=_TEXT_OR_NULL),
    "activate": _object(
        fetched=_FETCHED, sharded={"type": "array", "items": _SHARDED}, force=_BOOLEAN
    ),
    "restart": _object(
        function={"type": "string", "minLength": 1}, snapshot={"type": "string", "minLength": 1}
    ),
}
"""The JSON schema of what each state hands to its function."""


class Steps:
    """The handlers, on the settings of a function's environment.

    Each raises ``InvalidPayload`` for what another state would hand over, and what its step raises: the
    workflow knows those by the names of their classes.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    @cached_property
    def _reindex(self) -> "Reindex":
        from wheelyard.entry.reindexing import reindex_of

        settings = Settings.from_env(self._environ)
        logging.getLogger("wheelyard").setLevel(settings.logging_level)
        return reindex_of(settings, open_bucket(self._environ, settings.presign_lifetime))

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """A handler by the name of each state in lower case."""
        handlers = {
            "fetch": self.fetch,
            "shard": self.shard,
            "activate": self.activate,
            "restart": self.restart,
        }
        return {name: traced(self._environ, name, handler) for name, handler in handlers.items()}

    def fetch(self, event: Any, context: object) -> "Fetched":
        """``{"force", "relist"}``"""
        del context
        _check("fetch", event)
        fetched = self._reindex.fetch(force=event["force"], relist=event["relist"])
        _log(
            "fetched", outcome=fetched["outcome"], names=fetched["names"], serial=fetched["serial"]
        )
        return fetched

    def shard(self, event: Any, context: object) -> "Sharded":
        """``{"part", "base"}``"""
        del context
        _check("shard", event)
        sharded = self._reindex.shard(event["part"], event["base"])
        _log("sharded", first=sharded["first"], names=sharded["names"], written=sharded["written"])
        return sharded

    def activate(self, event: Any, context: object) -> "Activated":
        """``{"fetched", "sharded", "force"}``"""
        del context
        _check("activate", event)
        activated = self._reindex.activate(event["fetched"], event["sharded"], force=event["force"])
        _log(activated["outcome"], snapshot=activated["snapshot"], names=activated["names"])
        return activated

    def restart(self, event: Any, context: object) -> "Restarted":
        """``{"function", "snapshot"}``"""
        del context
        import boto3

        from wheelyard.mirror.restart import restart

        _check("restart", event)
        restarted = restart(boto3.client("lambda"), event["function"], event["snapshot"])
        _log("restarted", **restarted)
        return restarted


def _check(step: str, event: object) -> None:
    error = best_match(Draft202012Validator(PAYLOADS[step]).iter_errors(event))
    if error is not None:
        raise InvalidPayload(
            f"the payload of {step} is wrong at {error.json_path}: {error.message:.300}"
        )


def _log(message: str, **fields: object) -> None:
    _logger.info(message, extra={"fields": fields})
