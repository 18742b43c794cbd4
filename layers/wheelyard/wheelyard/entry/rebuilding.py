"""The function behind the rebuild workflow: one state after the other, by the payload's ``step``."""

import logging
import re
from collections.abc import Mapping
from typing import Any

from wheelyard.audit.event import Actor
from wheelyard.audit.trail import Trail
from wheelyard.entry.tracing import Handler, traced
from wheelyard.errors import InvalidPayload
from wheelyard.index.catalogue import Catalogue
from wheelyard.publish.rebuild_run import RebuildRun
from wheelyard.publish.rules import Rules
from wheelyard.publish.shelf import Shelf
from wheelyard.settings import Settings, StoreSettings
from wheelyard.storage.opening import open_bucket

_RUN = re.compile(r"[A-Za-z0-9_-]{1,100}")


def rebuild_handler(environ: Mapping[str, str]) -> Handler:
    """A handler of the workflow's states.

    ``{"step": "Survey", "run"}``, ``{"step": "Examine", "run", "project", "piece", "files"}``,
    ``{"step": "List", "run", "project", "pieces"}`` and ``{"step": "Report", "run"}``. Raises
    ``InvalidPayload`` and ``StorageError``. Raises ``InvalidSetting``.
    """
    settings = Settings.from_env(environ)
    where = StoreSettings.from_env(environ)
    logging.getLogger("wheelyard").setLevel(settings.logging_level)
    store = open_bucket(environ, settings.presign_lifetime)
    shelf = Shelf(store, Catalogue(store), Rules.of(settings))
    trail = Trail(store)
    prefix = f"{where.prefix}/" if where.prefix else ""

    def handle(event: Any, context: Any) -> Any:
        del context
        run = event.get("run") if isinstance(event, dict) else None
        if not isinstance(run, str) or not _RUN.fullmatch(run):
            raise InvalidPayload(f"$.run is {run!r:.200}: use letters, digits, '-' and '_'")
        actor = Actor("", "rebuild workflow", request_id=run)
        rebuild = RebuildRun(shelf, run, trail.by(actor))
        try:
            step = event["step"]
            if step == "Survey":
                surveyed = rebuild.survey()
                where_ = {"work": prefix + surveyed.work, "listings": prefix + surveyed.listings}
                return surveyed._asdict() | where_
            if step == "Examine":
                return rebuild.examine(event["project"], event["piece"], event["files"])
            if step == "List":
                return rebuild.list(event["project"], event["pieces"])
            if step == "Report":
                reported = rebuild.report()
                return reported._asdict() | {"report": prefix + reported.report}
        except KeyError as error:
            raise InvalidPayload(f"$.{error.args[0]} is missing") from error
        raise InvalidPayload(f"$.step is {step!r:.200}: use Survey, Examine, List or Report")

    return traced(environ, "rebuild", handle)
