"""Every key the project ever writes, in one place.

The keys are relative to the store's prefix. Names and filenames come validated, so no key can leave
its folder.
"""

from collections.abc import Sequence
from datetime import date, datetime
from hashlib import sha256

from wheelyard.protocol.names import ProjectName

PACKAGES = "packages/"
PROJECTS = "projects/"
CATALOGUE = "catalogue/"
USERS = "users/"
TOKENS = "tokens/"
LAST_USES = "token-uses/"
PUBLISHERS = "publishers/"
IDENTITIES = "identities/"
OVERSIZE = "oversize/"
MIRROR_FILES = "mirror/files/"
MANIFEST = "upstream/manifest.json"
SHARDS = "upstream/shards/"
PARTS = "upstream/parts/"
RETIRED = "upstream/retired/"
LISTINGS = "listing/"
TOMBSTONES = "tombstones/"
REJECTED = "rejected/"
WITHDRAWN = "withdrawn/"
SESSIONS = "sessions/"
AUDIT = "audit/"

REBUILDS = "rebuild/"
UPLOADED = "uploads/"

SIDECARS = (".metadata", ".asc", ".provenance", ".origin")
"""What stands behind a file's own name in the keys of what belongs to it."""


def package(project: ProjectName, filename: str) -> str:
    """A private file. Created once, never changed."""
    return f"{PACKAGES}{project}/{filename}"


def metadata(project: ProjectName, filename: str) -> str:
    """The core metadata of a private file, byte for byte as in the archive (PEP 658)."""
    return f"{PACKAGES}{project}/{filename}.metadata"


def signature(project: ProjectName, filename: str) -> str:
    """The detached PGP signature of a private file."""
    return f"{PACKAGES}{project}/{filename}.asc"


def provenance(project: ProjectName, filename: str) -> str:
    """The provenance object of a private file: its attestations (PEP 740)."""
    return f"{PACKAGES}{project}/{filename}.provenance"


def origin(project: ProjectName, filename: str) -> str:
    """Where an imported file came from, and what is known of it from there."""
    return f"{PACKAGES}{project}/{filename}.origin"


def tombstone(project: ProjectName, canonical: str) -> str:
    """Says that a file was deleted; by its canonical filename, so that no spelling of it is free."""
    return f"{TOMBSTONES}{project}/{canonical}.json"


def withdrawn(project: ProjectName, filename: str) -> str:
    """Says that a stored file was never published, and is to be taken away."""
    return f"{WITHDRAWN}{project}/{filename}.json"


def session(project: ProjectName, version: str) -> str:
    """The publishing session of a release, by its canonical version (PEP 694)."""
    return f"{SESSIONS}{project}/{version}.json"


def uploaded(session: str, name: str) -> str:
    """A file of a session, before it is published; ``name`` is another one at every attempt."""
    return f"{UPLOADED}{session}/{name}"


def rejected(key: str, etag: str) -> str:
    """Where an object goes that was put under ``packages/`` and is not fit to be listed."""
    digest = sha256(etag.encode()).hexdigest()[:16]
    return f"{REJECTED}{digest}/{key.removeprefix(PACKAGES)}"


def project(name: ProjectName) -> str:
    """The simple API document of a private project, in JSON as served."""
    return f"{PROJECTS}{name}.json"


def bucket(name: ProjectName) -> str:
    """The two hexadecimal digits of the hash bucket (of 256) that ``name`` belongs to, for good."""
    return sha256(name.encode()).hexdigest()[:2]


def bucket_numbers(names: Sequence[ProjectName]) -> list[int]:
    """The buckets of many names, as numbers."""
    encoded = "\n".join(names).encode().split(b"\n")
    return [sha256(name).digest()[0] for name in encoded] if names else []


def catalogue(name: ProjectName) -> str:
    """The list of private project names that ``name`` stands in."""
    return f"{CATALOGUE}{bucket(name)}.json"


def user(username: str) -> str:
    """The record of a user. Hashed, because a username may hold any character."""
    return f"{USERS}{sha256(username.encode()).hexdigest()}.json"


def token(token_id: str) -> str:
    """The record of an API token."""
    return f"{TOKENS}{sha256(token_id.encode()).hexdigest()}.json"


def token_use(token_id: str) -> str:
    """The day on which an API token was last used; apart, since readers' requests write it."""
    return f"{LAST_USES}{sha256(token_id.encode()).hexdigest()}.json"


def publishers_of(issuer: str) -> str:
    """The folder of the trusted publishers of one identity provider."""
    return f"{PUBLISHERS}{sha256(issuer.encode()).hexdigest()}/"


def publisher(issuer: str, publisher_id: str) -> str:
    """The record of a trusted publisher."""
    return f"{publishers_of(issuer)}{publisher_id}.json"


def identity(once: str) -> str:
    """That an identity token was used, so that it cannot be used again."""
    return f"{IDENTITIES}{once}.json"


def oversize(digest: str, form: str) -> str:
    """A page too large for a Lambda function's answer, fetched by a presigned link."""
    return f"{OVERSIZE}{digest}.{form}"


def shard(digest: str) -> str:
    """The upstream names of one hash bucket, named by content."""
    return f"{SHARDS}{digest}.json.gz"


def part(run: str, number: int) -> str:
    """What one reindex run hands from step to step: the names of some buckets, not yet merged."""
    return f"{PARTS}{run}/{number:02}.txt"


def retired(snapshot: str) -> str:
    """The manifest of a snapshot that another one replaced, kept for the grace period."""
    return f"{RETIRED}{snapshot}.json"


def listing(digest: str, form: str) -> str:
    """A form of the root listing, ``json`` or ``html``, with ``.gz`` if compressed; named by content."""
    return f"{LISTINGS}{digest}.{form}"


def mirror_page(name: ProjectName) -> str:
    """An upstream project's page, in JSON as served here."""
    return f"mirror/pages/{name}.json"


def mirror_urls(name: ProjectName) -> str:
    """Where an upstream project's files are, with which digests, and how to revalidate its page."""
    return f"mirror/urls/{name}.json"


def mirror_file(project: ProjectName, filename: str) -> str:
    """An upstream file. Created once its digest is checked, never changed."""
    return f"{MIRROR_FILES}{project}/{filename}"


def audit_day(day: date) -> str:
    """The folder of a day's entries in the audit trail."""
    return f"{AUDIT}{day:%Y/%m/%d}/"


def audit(at: datetime, event_id: str) -> str:
    """An entry of the audit trail. ``at`` is in UTC; the keys' order is that of time."""
    return f"{audit_day(at)}{at:%H%M%S.%f}-{event_id}.json"
