"""Uploading to an index, with the credentials of one of its users."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from wheelyard.client.credentials import Credentials, address, find_credentials
from wheelyard.client.files import Existing, LocalFile, LocalRelease, Uploaded, releases, wanted
from wheelyard.client.session import Advance, Http, RemoteSession

PARALLEL = 4
"""Files that are sent at once."""


def upload(
    paths: Iterable[str | Path],
    index_url: str,
    *,
    credentials: Credentials | None = None,
    existing: Existing = Existing.SAME,
    progress: Callable[[int], Advance] = lambda _total: lambda _sent: None,
    parallel: int = PARALLEL,
    staged: Callable[[str], None] | None = None,
) -> list[Uploaded]:
    """Publish distribution files on the index at ``index_url``, each release at once or not at all.

    Called again after whatever interrupted it, it sends what is missing. ``credentials`` are found as twine
    finds them where none are given. ``progress`` is told how many bytes there are, and what it returns, by
    several threads, how many were sent. With ``staged`` nothing is published yet: it is told the address of
    a simple index with each release, to try it out; called again without it, this publishes.

    Raises ``InvalidFilename``, ``InvalidUpload`` and ``InvalidSetting`` before anything is sent;
    ``Conflict``, ``Forbidden`` and ``IndexRefuses`` with what the index says; ``IndexUnavailable``.
    """
    where = address(index_url)
    found = releases(paths)
    chosen = []
    with closing(Http(where.url, credentials or find_credentials(where, os.environ))) as http:
        for release in found:
            files = wanted(release.files, http.published(release.project), existing)
            chosen.append(release._replace(files=tuple(files)))
        advance = progress(sum(file.size for release in chosen for file in release.files))
        for release in chosen:
            if release.files:
                session = _send(http, release, advance, parallel)
                if staged is None:
                    session.publish()
                else:
                    staged(session.stage)
    return [
        Uploaded(release.project, file.filename, file in sent.files)
        for release, sent in zip(found, chosen, strict=True)
        for file in release.files
    ]


def _send(http: Http, release: LocalRelease, advance: Advance, parallel: int) -> RemoteSession:
    session = RemoteSession(http, release)
    if session.published:  # just now, by an attempt whose answer was lost
        return session
    session.discard_others({file.filename for file in release.files})

    def send(file: LocalFile) -> None:
        session.upload(file, advance)

    with ThreadPoolExecutor(parallel) as pool:
        for _ in pool.map(send, release.files):
            pass
    return session
