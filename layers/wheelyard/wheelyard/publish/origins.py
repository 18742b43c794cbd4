"""Where a file came from that was not uploaded here: what an import knows and the archive does not say.

The record stands beside the file, so that whatever is made again from what is stored is as it was. It
holds for the very bytes that it names, and for those it also says that older formats and any size are
right: whoever imported them decided that.
"""

import json
from typing import NamedTuple

from wheelyard.errors import InvalidDocument, KeyNotFound
from wheelyard.storage.store import Store


class Origin(NamedTuple):
    """The record of an imported file.

    ``sha256``           of the file
    ``upload_time``      when it was published there, as a page has it (PEP 700), where that is known
    ``requires_python``  as the page there had it
    ``source``           the place that it was taken from, without credentials
    ``etag``             what told that object from another one there; empty where nothing did
    """

    sha256: str
    upload_time: str | None = None
    requires_python: str | None = None
    source: str = ""
    etag: str = ""


def dump_origin(origin: Origin) -> bytes:
    """The record as it is stored."""
    known = {name.replace("_", "-"): value for name, value in origin._asdict().items() if value}
    return json.dumps(known, ensure_ascii=False).encode()


def find_origin(store: Store, key: str) -> Origin | None:
    """The record under ``key``, None if there is none. Raises ``InvalidDocument``."""
    try:
        record = json.loads(store.get(key).body)
        found = Origin(record["sha256"], *(record.get(name) for name in _OPTIONAL))
        if not all(isinstance(value, str | None) for value in found):
            raise TypeError("its values must be strings")
    except KeyNotFound:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidDocument(
            f"{key!r} cannot be read: {error!r}; remove it, and its file is as if uploaded here"
        ) from error
    return found._replace(source=found.source or "", etag=found.etag or "")


_OPTIONAL = ("upload-time", "requires-python", "source", "etag")
