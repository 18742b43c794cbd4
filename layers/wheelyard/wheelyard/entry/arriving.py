"""The function that hears of objects put into the bucket, and taken from it, by any tool."""

import logging
from collections.abc import Mapping
from typing import Any

from wheelyard.audit.event import Actor
from wheelyard.audit.trail import Trail
from wheelyard.entry.objectevents import is_object_event, object_keys
from wheelyard.entry.tracing import Handler, traced
from wheelyard.entry.workflow import workflow
from wheelyard.errors import InvalidDocument, InvalidPayload, StorageError
from wheelyard.index.catalogue import Catalogue
from wheelyard.publish.arrivals import Arrivals
from wheelyard.publish.rules import Rules
from wheelyard.publish.shelf import Shelf
from wheelyard.settings import Settings, StoreSettings
from wheelyard.storage.opening import open_bucket

_logger = logging.getLogger(__name__)


def arrival_handler(environ: Mapping[str, str]) -> Handler:
    """A handler of S3's events; it returns ``{"settled": {key: outcome}}``.

    The handler looks at every key that an event names. If one of them could not be settled, because the
    store did not answer or holds a document that cannot be read, it raises that error afterwards, so that
    the event comes again. Raises ``InvalidSetting``.
    """
    settings = Settings.from_env(environ)
    where = StoreSettings.from_env(environ)
    logging.getLogger("wheelyard").setLevel(settings.logging_level)
    store = open_bucket(environ, settings.presign_lifetime)
    reindex = workflow(environ)
    catalogue = Catalogue(store, reindex.announce if reindex else None)
    # Who it was is known to S3's own logs.
    record = Trail(store).by(Actor("", "bucket"))
    arrivals = Arrivals(Shelf(store, catalogue, Rules.of(settings)), record)
    prefix = f"{where.prefix}/" if where.prefix else ""

    def handle(event: Any, context: Any) -> dict[str, dict[str, str]]:
        del context
        if not is_object_event(event):
            raise InvalidPayload("the event is none of S3's: it names no object")
        settled: dict[str, str] = {}
        failed: StorageError | InvalidDocument | None = None
        for key in object_keys(event, where.bucket):
            if not key.startswith(prefix):
                continue
            try:
                settled[key] = arrivals.settle(key.removeprefix(prefix)).outcome
            except (StorageError, InvalidDocument) as error:
                _logger.exception("%r could not be settled", key)
                failed = error
        if failed is not None:
            raise failed
        return {"settled": settled}

    return traced(environ, "arrival", handle)
