"""What the admin function can be told to do: one table of orders, each with its schema and its function.

An order is added by one line in ``ORDERS``; its name is the payload's one key.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from wheelyard.access.apitoken import is_token_id
from wheelyard.access.lastuse import LastUse
from wheelyard.access.publishers import KINDS, TrustedPublisher, TrustedPublishers
from wheelyard.access.rights import Rights, rights
from wheelyard.access.tokens import Token, Tokens
from wheelyard.access.users import Users
from wheelyard.audit.event import Actor
from wheelyard.audit.recorder import Recorder
from wheelyard.audit.trail import Trail
from wheelyard.entry.workflow import Workflow
from wheelyard.errors import InvalidPayload
from wheelyard.management import orders
from wheelyard.management.management import Management
from wheelyard.settings import Settings
from wheelyard.storage.keys import USERS
from wheelyard.storage.store import Store

Answer = dict[str, object]
"""A small document of JSON values."""


class Office(NamedTuple):
    """What orders are carried out with, and for whom.

    ``now`` gives seconds since 1970; ``workflow`` is None where nothing is mirrored.
    """

    settings: Settings
    store: Store
    now: Callable[[], float]
    actor: Actor
    workflow: Workflow | None = None

    @property
    def record(self) -> Recorder:
        """Has changes in the audit trail."""
        return Trail(self.store, self.now).by(self.actor)

    @property
    def management(self) -> Management:
        """The projects, releases and files."""
        return Management(self.store, self.actor, self.now)

    @property
    def users(self) -> Users:
        """The users."""
        return Users(self.store, self.settings.password_rounds, self.record)

    @property
    def tokens(self) -> Tokens:
        """The API tokens."""
        return Tokens(self.store, self.now, self.record)

    @property
    def publishers(self) -> TrustedPublishers:
        """The trusted publishers."""
        return TrustedPublishers(self.store, self.record)


class Order(NamedTuple):
    """The schema of an order's argument, and what carries it out and returns what it did.

    A secret in the answer stands under ``token``, which is not logged.
    """

    schema: Mapping[str, object]
    carry_out: Callable[[Office, Any], Answer]


def _put_user(office: Office, order: Mapping[str, Any]) -> Answer:
    given = _rights(order)
    office.users.put(order["username"], order["password"], rights=given)
    return {"user": order["username"], **given.as_record()}


def _import_user(office: Office, order: Mapping[str, Any]) -> Answer:
    given, name = _rights(order), order.get("username")
    imported = office.users.take_in(
        f"{USERS}{order['digest']}.json", name, order["hash"], given, replace=order["replace"]
    )
    return {"user": name, "imported": imported}


def _remove_user(office: Office, username: str) -> Answer:
    removed = office.users.remove(username)
    # Also where there was no such user: somebody may want to be sure.
    return {"user": username, "removed": removed, "tokens": office.tokens.revoke_owned(username)}


def _list_users(office: Office, order: object) -> Answer:
    del order
    users = sorted(office.users.list(), key=lambda user: user.name or "")
    return {"users": [{"user": user.name, **user.rights.as_record()} for user in users]}


def _create_token(office: Office, order: Mapping[str, Any]) -> Answer:
    lifetime = order.get("lifetime")
    made = office.tokens.create(
        order["owner"],
        _rights(order),
        timedelta(seconds=lifetime) if lifetime else None,
        order.get("description", ""),
    )
    return _shown(made.record) | {"token": made.secret}


def _list_tokens(office: Office, order: Mapping[str, Any]) -> Answer:
    uses = LastUse(office.store, office.now)
    tokens = sorted(office.tokens.list(), key=lambda token: (token.owner, token.created))
    owner = order.get("owner")
    return {
        "tokens": [
            _shown(token) | {"lastUsed": uses.read(token.id)}
            for token in tokens
            if owner in (None, token.owner)
        ]
    }


def _revoke_token(office: Office, token: str) -> Answer:
    revoked = office.tokens.revoke(token)
    return {"id": token if is_token_id(token) else None, "revoked": revoked}


def _reindex(office: Office, order: Mapping[str, Any]) -> Answer:
    if office.workflow is None:
        raise InvalidPayload("there is nothing to reindex: this stack mirrors no upstream")
    return {"execution": office.workflow.start(force=order.get("force", False))}


def _manage(order: orders.Order) -> "Order":
    def carry_out(office: Office, argument: Mapping[str, Any]) -> Answer:
        return order.carry_out(office.management, argument)

    return Order(order.schema, carry_out)


def _add_publisher(office: Office, order: Mapping[str, Any]) -> Answer:
    return _publisher(
        office.publishers.add(
            order["kind"], order["claims"], order["projects"], order.get("issuer", "")
        )
    )


def _list_publishers(office: Office, order: object) -> Answer:
    del order
    publishers = sorted(office.publishers.list(), key=str)
    return {"publishers": [_publisher(publisher) for publisher in publishers]}


def _remove_publisher(office: Office, publisher_id: str) -> Answer:
    return {"id": publisher_id, "removed": office.publishers.remove(publisher_id)}


def _publisher(publisher: TrustedPublisher) -> Answer:
    return {
        "id": publisher.id,
        "kind": publisher.kind,
        "issuer": publisher.issuer,
        "claims": dict(publisher.claims),
        "projects": list(publisher.projects.patterns),
    }


def _rights(order: Mapping[str, Any]) -> Rights:
    return rights(order.get("upload", False), order.get("read"))


def _shown(token: Token) -> Answer:
    return {
        "id": token.id,
        "owner": token.owner,
        **token.rights.as_record(),
        "created": _time(token.created),
        "expires": _time(token.expires),
        "description": token.description,
    }


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.strftime("%Y-%m-%dT%H:%M:%SZ")


TEXT = {"type": "string", "minLength": 1}
NONE = {"type": "object", "maxProperties": 0}
"""The argument of an order that has none: ``{"listUsers": {}}``, or just ``"listUsers"``."""
_PROJECTS = {"type": "array", "items": TEXT}
_RIGHTS = {"upload": {"type": ["boolean", "array"], "items": TEXT}, "read": _PROJECTS}


def record(required: tuple[str, ...] = (), **properties: object) -> dict[str, object]:
    """The schema of an object with these properties and no others."""
    return {
        "type": "object",
        "required": list(required),
        "additionalProperties": False,
        "properties": properties,
    }


ORDERS: dict[str, Order] = {
    "putUser": Order(
        record(("username", "password"), username=TEXT, password=TEXT, **_RIGHTS), _put_user
    ),
    "importUser": Order(
        record(
            ("digest", "hash", "replace"),
            digest={"type": "string", "pattern": "^[0-9a-f]{64}$"},
            username=TEXT,
            hash=TEXT,
            replace={"type": "boolean"},
            **_RIGHTS,
        ),
        _import_user,
    ),
    "removeUser": Order(TEXT, _remove_user),
    "listUsers": Order(NONE, _list_users),
    "createToken": Order(
        record(
            ("owner",),
            owner=TEXT,
            lifetime={"type": "integer", "minimum": 1},
            description={"type": "string"},
            **_RIGHTS,
        ),
        _create_token,
    ),
    "listTokens": Order(record(owner=TEXT), _list_tokens),
    "revokeToken": Order(TEXT, _revoke_token),
    **{order.name: _manage(order) for order in orders.ORDERS},
    "addPublisher": Order(
        record(
            ("kind", "claims", "projects"),
            kind={"enum": list(KINDS)},
            claims={"type": "object", "minProperties": 1, "additionalProperties": TEXT},
            projects=_PROJECTS | {"minItems": 1},
            issuer=TEXT,
        ),
        _add_publisher,
    ),
    "listPublishers": Order(NONE, _list_publishers),
    "removePublisher": Order(TEXT, _remove_publisher),
    "reindex": Order(record(force={"type": "boolean"}), _reindex),
}
"""Every order by its name. ``lifetime`` is in seconds; ``upload`` and ``read`` are as in user records."""
