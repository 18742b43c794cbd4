"""What a reader of a root listing hands on: projects, and whether the listing can be read at all."""

from typing import NamedTuple

from wheelyard.errors import InvalidDocument


class RootNames(NamedTuple):
    """Some projects of a listing, in its order.

    They are columns, for a record of each of a million projects would cost more than reading them does.
    """

    names: list[str]
    """As upstream spells them: neither normalised nor known to be valid."""
    serials: list[int | None]
    """The ``_last-serial`` of each in the public index's JSON."""


def check_version(version: str | None) -> None:
    """Only versions 1.x can be read (PEP 629), and a listing that says none. Raises ``InvalidDocument``."""
    if version is not None and version.partition(".")[0].strip() != "1":
        raise InvalidDocument(
            f"upstream's root listing has api-version {version!r:.50}: only 1.x can be read"
        )
