"""The pull function: fetches upstream files that take longer than the request function has.

The request function invokes it asynchronously; see ``entry.handover``.
"""

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

from wheelyard.entry.application import resolver
from wheelyard.entry.tracing import Handler, traced
from wheelyard.errors import InvalidName, InvalidPayload, NotFound
from wheelyard.index.documents import Document
from wheelyard.index.resolver import Elsewhere
from wheelyard.mirror.snapshots import Snapshots
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.settings import Settings
from wheelyard.storage.opening import open_bucket

_logger = logging.getLogger(__name__)

# Seconds: the template's Timeout, less what it takes to end in good order.
_PATIENCE = 880.0


def pull_handler(environ: Mapping[str, str]) -> Handler:
    """A handler of ``{"project", "filename"}``; it returns ``{"stored": filename}``, or None for the
    filename where upstream has no such file, or may not be asked for it.

    It raises what fetching raises, so that Lambda tries again, and ``InvalidPayload``. Raises
    ``InvalidSetting``.
    """
    settings = Settings.from_env(environ)
    logging.getLogger("wheelyard").setLevel(settings.logging_level)
    store = open_bucket(environ, settings.presign_lifetime)
    projects = resolver(settings, store, lambda: Snapshots(store), patience=_PATIENCE)

    def handle(event: Any, context: Any) -> dict[str, str | None]:
        del context
        wanted = _wanted(event)
        try:
            project = projects.find(wanted.project)
            if isinstance(project, Document | Elsewhere):
                raise NotFound(f"{wanted.project!r} is not mirrored")
            project.obtain(wanted.filename)
        except NotFound as error:
            # It became private or left upstream meanwhile: to try again would not change that.
            _logger.warning("%s is not fetched: %s", wanted.filename, error)
            return {"stored": None}
        return {"stored": wanted.filename}

    return traced(environ, "pull", handle)


class _Wanted(NamedTuple):
    project: ProjectName
    filename: str


def _wanted(event: Any) -> _Wanted:
    try:
        return _Wanted(project_name(event["project"]), str(event["filename"]))
    except (TypeError, KeyError, InvalidName) as error:
        raise InvalidPayload('the payload is not {"project": "…", "filename": "…"}') from error
