"""Trusted publishers: whoever an identity provider says somebody is may upload to some projects.

A publisher's record names the provider (the ``issuer``), what the claims of an identity token must say, and
the projects. Providers that are in no record are never asked anything.
"""

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from wheelyard.access.projects import ProjectSet, project_set
from wheelyard.audit.event import Change
from wheelyard.audit.recorder import Recorder, unrecorded
from wheelyard.errors import InvalidName, InvalidPublisher, KeyNotFound, StorageError
from wheelyard.storage import keys
from wheelyard.storage.store import Store

GITHUB = "https://token.actions.githubusercontent.com"
GITLAB = "https://gitlab.com"

KINDS = {"github": GITHUB, "gitlab": GITLAB, "oidc": ""}
"""The kinds of providers whose claims are known, each with the issuer that it has by default."""

_REQUIRED = {"github": "repository", "gitlab": "project_path"}


class TrustedPublisher(NamedTuple):
    """A record, as stored.

    ``claims`` is what to compare, by name. For GitHub and GitLab, ``workflow`` is the file that runs, and
    names of repositories and environments are compared as these compare them; all else must be equal.
    """

    id: str
    kind: str
    issuer: str
    claims: Mapping[str, str]
    projects: ProjectSet

    def matches(self, claims: Mapping[str, Any]) -> bool:
        """Whether an identity with these claims, already verified, is this publisher."""
        return all(self._agrees(name, expected, claims) for name, expected in self.claims.items())

    def _agrees(self, name: str, expected: str, claims: Mapping[str, Any]) -> bool:
        if self.kind != "oidc" and name == "workflow":
            return _workflow(self.kind, claims) == expected
        given = claims.get(name)
        if given is None or isinstance(given, dict | list):
            return False
        text = given if isinstance(given, str) else json.dumps(given)
        if self.kind != "oidc" and name in ("repository", "project_path", "environment"):
            return text.casefold() == expected.casefold()
        return text == expected

    @property
    def provenance(self) -> dict[str, object]:
        """Who this is, as a file's provenance says it (PEP 740, "Attestation identity")."""
        claims = self.claims
        if self.kind == "github":
            named = {"kind": "GitHub", "repository": claims["repository"]}
            return named | {
                "workflow": claims.get("workflow"),
                "environment": claims.get("environment"),
            }
        if self.kind == "gitlab":
            named = {"kind": "GitLab", "repository": claims["project_path"]}
            return named | {
                "workflow_filepath": claims.get("workflow"),
                "environment": claims.get("environment"),
            }
        return {"kind": "OIDC", "issuer": self.issuer, "claims": dict(claims)}

    def __str__(self) -> str:
        """For people, and as the owner of tokens: ``github:acme/tools``."""
        if self.kind in _REQUIRED:
            return f"{self.kind}:{self.claims[_REQUIRED[self.kind]]}"
        return f"oidc:{next(iter(self.claims.values()))}"


def _workflow(kind: str, claims: Mapping[str, Any]) -> str | None:
    """The file that runs, if it is one of the repository's own."""
    if kind == "github":
        # https://docs.github.com/en/actions/reference/security/oidc: OWNER/REPO/.github/workflows/FILE@REF
        path, repository = claims.get("job_workflow_ref"), claims.get("repository")
        separator = "/.github/workflows/"
    else:
        # https://docs.gitlab.com/ci/secrets/id_token_authentication/: HOST/GROUP/PROJECT//FILE@REF
        path, repository = claims.get("ci_config_ref_uri"), claims.get("project_path")
        separator = "//"
    if not isinstance(path, str) or not isinstance(repository, str):
        return None
    home, found, file = path.partition("@")[0].partition(separator)
    if kind == "gitlab":
        home = home.partition("/")[2]
    return file if found and home.casefold() == repository.casefold() else None


class TrustedPublishers:
    """The trusted publishers of a store."""

    def __init__(self, store: Store, record: Recorder = unrecorded) -> None:
        """``record`` has changes in the audit trail."""
        self._store = store
        self._record = record

    def add(
        self, kind: str, claims: Mapping[str, str], projects: Iterable[str], issuer: str = ""
    ) -> TrustedPublisher:
        """Trust an identity. ``issuer`` can be left out for GitHub and GitLab themselves.

        Raises ``InvalidPublisher`` and ``InvalidName``.
        """
        publisher = TrustedPublisher(
            secrets.token_hex(6),
            kind,
            _checked_issuer(kind, issuer),
            _checked_claims(kind, claims),
            project_set(projects),
        )
        if not publisher.projects.patterns:
            raise InvalidPublisher("a trusted publisher needs a project, or a prefix of projects")
        with self._changing("add-publisher", publisher) as record:
            key = keys.publisher(publisher.issuer, publisher.id)
            self._store.create(key, json.dumps(record).encode())
        return publisher

    def of_issuer(self, issuer: str) -> list[TrustedPublisher]:
        """The publishers whose identities ``issuer`` vouches for; none for one that is not known."""
        return list(self._read(keys.publishers_of(issuer)))

    def list(self) -> Iterator[TrustedPublisher]:
        """All of them, in no meaningful order."""
        return self._read(keys.PUBLISHERS)

    def remove(self, publisher_id: str) -> bool:
        """No longer trust the publisher; returns whether there was one."""
        for publisher in self.list():
            if publisher.id == publisher_id:
                with self._changing("remove-publisher", publisher):
                    self._store.delete(keys.publisher(publisher.issuer, publisher.id))
                return True
        return False

    @contextmanager
    def _changing(self, action: str, publisher: TrustedPublisher) -> Iterator[dict[str, object]]:
        record = publisher._asdict() | {"projects": list(publisher.projects.patterns)}
        with self._record(Change(action, details={"subject": publisher.id, **record})):
            yield record

    def _read(self, prefix: str) -> Iterator[TrustedPublisher]:
        for entry in self._store.list(prefix):
            try:
                yield _parse(self._store.get(entry.key).body, entry.key)
            except KeyNotFound:  # removed in between
                continue


def _parse(raw: bytes, key: str) -> TrustedPublisher:
    try:
        record = json.loads(raw)
        fields = {name: record[name] for name in TrustedPublisher._fields}
        return TrustedPublisher(**fields | {"projects": project_set(record["projects"])})
    except (ValueError, TypeError, KeyError, InvalidName) as error:
        raise StorageError(f"{key!r} cannot be read: {error!r:.200}") from error


def _checked_issuer(kind: str, issuer: str) -> str:
    if kind not in KINDS:
        raise InvalidPublisher(f"{kind!r} is no kind of publisher: use one of {', '.join(KINDS)}")
    issuer = issuer or KINDS[kind]
    try:
        parts = urlsplit(issuer)
        usable = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or parts.username or len(issuer) > 512:
        # Not shown without need: it may hold credentials.
        shown = "this URL" if "@" in issuer else f"{issuer[:512]!r}"
        raise InvalidPublisher(
            f"{shown} cannot be an issuer: use https://host/path, without query or credentials"
        )
    return issuer


def _checked_claims(kind: str, claims: Mapping[str, str]) -> dict[str, str]:
    wanted = {name: value for name, value in claims.items() if value}
    required = _REQUIRED.get(kind)
    if required is not None and "/" not in wanted.get(required, ""):
        raise InvalidPublisher(
            f"a publisher of kind {kind} needs {required!r}, such as 'acme/tools'"
        )
    if not wanted.keys() - {"iss", "aud", "exp", "nbf", "iat", "jti"}:
        raise InvalidPublisher(
            "without a claim to compare, everybody whom the issuer knows would be trusted"
        )
    return wanted
