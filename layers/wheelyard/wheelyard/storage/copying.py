"""Copies within a bucket, by parts: for objects of any size.

S3 copies up to 5 GiB within one request, and takes the longer for it. By parts, several at a time, there is
no such bound, and the object is there at once and whole when the last step says so
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/CopyingObjectsMPUapi.html).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from wheelyard.errors import KeyExists, KeyNotFound, StorageError
from wheelyard.storage.multipart import Part, S3Parts, Source
from wheelyard.storage.operations import CONNECTIONS
from wheelyard.storage.sizes import Copying, part_size
from wheelyard.storage.store import Store


def copy_by_parts(
    store: Store, source: Source, target: str, copying: Copying, *, create: bool
) -> None:
    """Copy ``source``, as it was found, to ``target``; with ``create``, only if that is free.

    What does not succeed leaves no parts. Raises ``KeyNotFound``, ``KeyChanged``, ``KeyExists`` and
    ``KeyContended``.
    """
    parts = S3Parts(store)
    upload = parts.begin(target)
    try:
        copied = _parts(parts, source, target, upload, part_size(source.size, copying.part))
        _join(store, parts, target, upload, copied, create=create)
    except BaseException:
        # What cannot be removed is not seen by anybody, and the bucket's lifecycle removes it.
        with suppress(StorageError):
            parts.abort(target, upload)
        raise


def _parts(parts: S3Parts, source: Source, target: str, upload: str, size: int) -> Sequence[Part]:
    def copy(start: int) -> Part:
        end = min(start + size, source.size)
        return parts.copy(target, upload, start // size + 1, source, start, end)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        # An empty object is copied as one part, too.
        begun = [pool.submit(copy, start) for start in range(0, max(source.size, 1), size)]
        try:
            return [each.result() for each in begun]
        finally:
            # Those under way are waited for: a part that came after the end would stay.
            pool.shutdown(cancel_futures=True)


def _join(
    store: Store, parts: S3Parts, target: str, upload: str, copied: Sequence[Part], *, create: bool
) -> None:
    try:
        parts.join(target, upload, copied, create=create)
    except KeyNotFound as error:
        # Asked again after an answer that was lost, S3 may not know the upload any more: it is done then.
        if create and store.exists(target):
            raise KeyExists(f"{target!r} exists") from error
        raise StorageError(f"the parts of {target!r} were removed while it was copied") from error
