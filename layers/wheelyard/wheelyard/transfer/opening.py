"""Opening a place by what the user calls it."""

from collections.abc import Mapping
from pathlib import Path

from wheelyard.transfer.places import Place, bucket_name


def open_place(location: str, env: Mapping[str, str], region: str | None = None) -> Place:
    """The place at ``s3://bucket/prefix`` or in a directory, which need not exist.

    Raises ``InvalidSetting`` and ``StorageError``.
    """
    name = bucket_name(location)
    if name is None:
        from wheelyard.transfer.folder import Folder

        return Folder(Path(location))
    from wheelyard.transfer.bucket import connect

    return connect(name, env, region)
