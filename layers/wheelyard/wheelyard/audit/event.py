"""What the audit trail says of a change: who, what, which files, when, from where, what came of it."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from wheelyard.errors import InvalidDocument

Details = Mapping[str, object]


class Actor(NamedTuple):
    """Who makes a change, and from where; empty is unknown.

    ``user``        the user, or the owner of the token; on the command line the system's user
    ``via``         the way in: ``http``, ``command line``, ``admin function``, ``api``, or what did it by
                    itself: ``session``, ``bucket``, ``rebuild workflow``
    ``token``       the id of the API token, never the token
    ``client``      the client's address, or its machine's name
    ``user_agent``  what the client calls itself
    ``request_id``  the platform's request id, by which other logs know the same request
    """

    user: str
    via: str
    token: str = ""
    client: str = ""
    user_agent: str = ""
    request_id: str = ""


class AuditedFile(NamedTuple):
    """A file that a change is about; ``sha256`` is None where nobody knew it any more."""

    filename: str
    sha256: str | None


class Change(NamedTuple):
    """What is being done: ``action`` is ``upload``, ``delete``, ``yank`` and their like.

    ``project`` is empty for what is about no project; ``details`` are JSON values, and hold no secret.
    """

    action: str
    project: str = ""
    files: Sequence[AuditedFile] = ()
    details: Details = MappingProxyType({})


class Event(NamedTuple):
    """One entry of the trail. ``time`` is in UTC.

    ``result``  ``accepted``: written before the change took effect, so that no change goes without one;
                ``failed``: the change with the id ``of`` did not take effect, and ``reason`` says why
    """

    id: str
    time: datetime
    actor: Actor
    change: Change
    result: str = "accepted"
    of: str = ""
    reason: str = ""

    def as_record(self) -> dict[str, Any]:
        """The entry in JSON values, without what is unknown."""
        known = {name: value for name, value in self.actor._asdict().items() if value}
        change = self.change
        record: dict[str, Any] = {
            "id": self.id,
            "time": self.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "action": change.action,
            "result": self.result,
            **known,
        }
        optional = {
            "project": change.project,
            "files": [file._asdict() for file in change.files],
            "details": dict(change.details),
            "of": self.of,
            "reason": self.reason,
        }
        return record | {name: value for name, value in optional.items() if value}


def dump_event(event: Event) -> bytes:
    """The stored form of an entry."""
    return json.dumps(event.as_record(), ensure_ascii=False).encode()


def parse_event(raw: bytes) -> Event:
    """Read a stored entry. Raises ``InvalidDocument``."""
    try:
        record = json.loads(raw)
        actor = Actor(**{name: record.get(name, "") for name in Actor._fields})
        files = tuple(
            AuditedFile(file["filename"], file.get("sha256")) for file in record.get("files", ())
        )
        change = Change(
            record["action"], record.get("project", ""), files, record.get("details", {})
        )
        return Event(
            record["id"],
            datetime.fromisoformat(record["time"]),
            actor,
            change,
            record["result"],
            record.get("of", ""),
            record.get("reason", ""),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidDocument(f"an entry of the audit trail cannot be read: {error!r}") from error
