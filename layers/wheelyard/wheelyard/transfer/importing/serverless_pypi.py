"""A bucket of QuiNovas' serverless-pypi.

``projects/<project>/`` has a project's page, ``index.json``, and its files, each with a ``.metadata`` that
was made of the upload form and not of the archive; ``users/<sha256 of the username>.json`` are records in
the form that they have here; ``cache/<project>/<filename>`` are files of its upstream, with what its page
said of each in the object's own metadata.
"""

import json
import re
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from wheelyard.errors import InvalidName
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.transfer.importing.details import known_hashes
from wheelyard.transfer.importing.folders import distribution_files, in_folders
from wheelyard.transfer.importing.offers import Candidate, Left, Offer
from wheelyard.transfer.places import Item, Place

_PROJECTS, _USERS, _CACHE = "projects/", "users/", "cache/"
_USER = re.compile(r"users/([0-9a-f]{64})\.json")
_READERS = 16
_ROOT = ("database.json", "index.json", "index.html", "legacy.html")


def is_serverless_pypi(items: Iterable[Item]) -> bool:
    """Whether this is how such a bucket looks."""
    return any(
        item.key == "database.json"
        or _USER.fullmatch(item.key)
        or (item.key.startswith(_PROJECTS) and item.key.count("/") == 2)
        for item in items
    )


def in_serverless_pypi(
    place: Place,
    items: Sequence[Item],
    wanted: Collection[ProjectName],
    *,
    unlisted: bool,
    cached: bool,
) -> Offer:
    """What is in such a bucket. ``cached`` has upstream's files among it."""
    projects = [item for item in items if item.key.startswith(_PROJECTS)]
    offer = in_folders(place, projects, wanted, unlisted=unlisted, base=_PROJECTS)
    users = {found[1]: item.key for item in items if (found := _USER.fullmatch(item.key))}
    others = [
        Left(item.key, "it is nothing that serverless-pypi writes")
        for item in items
        if not item.key.startswith((_PROJECTS, _CACHE))
        and item.key not in _ROOT
        and not _USER.fullmatch(item.key)
    ]
    kept = [item for item in items if item.key.startswith(_CACHE)]
    if not cached:
        reason = "it is upstream's, and fetched again when it is asked for: see --cache"
        others += [Left(item.key, reason) for item in kept]
        kept = []
    return offer._replace(
        left=(*offer.left, *others),
        users=users,
        cached=tuple(_cached(place, kept, wanted)),
    )


def _cached(
    place: Place, items: Iterable[Item], wanted: Collection[ProjectName]
) -> Iterable[Candidate]:
    found = []
    for item in distribution_files(items):
        folder, _, filename = item.key.removeprefix(_CACHE).rpartition("/")
        with suppress(InvalidName):
            name = project_name(folder)
            if not wanted or name in wanted:
                found.append(Candidate(name, filename, item.key, {}, item.size, item.etag))
    with ThreadPoolExecutor(_READERS) as pool:
        yield from pool.map(lambda each: _with_hashes(place, each), found)


def _with_hashes(place: Place, candidate: Candidate) -> Candidate:
    return candidate._replace(hashes=_recorded(place.metadata(candidate.place).get("hashes", "")))


def _recorded(text: str) -> dict[str, str]:
    try:
        return known_hashes(json.loads(text))
    except (ValueError, TypeError, AttributeError):
        return {}
