"""Changing one object although others change it too."""

from collections.abc import Callable
from time import sleep

from wheelyard.errors import KeyChanged, KeyExists, KeyNotFound
from wheelyard.storage.store import Store, Stored


def edit_object(store: Store, key: str, edit: Callable[[Stored | None], bytes | None]) -> bool:
    """Read, change and conditionally write one object, again until nobody came in between.

    ``edit`` is given the object, None if there is none, and returns its new content, or None to leave
    it as it is; it may be called several times, and what it raises ends the attempt. Returns whether
    something was written.
    """
    delay = 0.002
    while True:
        try:
            stored: Stored | None = store.get(key)
        except KeyNotFound:
            stored = None
        body = edit(stored)
        if body is None:
            return False
        try:
            if stored is None:
                store.create(key, body)
            else:
                store.replace(key, body, stored.etag)
        except (KeyChanged, KeyExists):
            # Somebody else's write went through, so there is progress; jitter lets writers pass.
            from random import uniform

            sleep(uniform(0, delay))  # noqa: S311
            delay = min(delay * 2, 0.5)
            continue
        return True
