"""What a page of another index says of a file, as far as it can be believed to be right in form."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from wheelyard.publish.shelf import upload_time

# A digest whose length is not its algorithm's is none.
_LENGTHS = {
    name: 2 * hashlib.new(name, usedforsecurity=False).digest_size
    for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b", "blake2s")
}
_HEX = re.compile(r"[0-9a-f]+")
_LONGEST = 500


def known_hashes(hashes: Mapping[str, str]) -> dict[str, str]:
    """The digests that can be checked."""
    return {
        name: digest
        for name, digest in hashes.items()
        if len(digest) == _LENGTHS.get(name) and _HEX.fullmatch(digest)
    }


def known_time(text: str | None) -> str | None:
    """A time as a page has it (PEP 700), None for what is no time; one without a zone is UTC."""
    try:
        found = datetime.fromisoformat(text or "")
        return upload_time(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def known_requires_python(text: str | None) -> str | None:
    """Version specifiers, None for what clients could not read."""
    try:
        return text if text and SpecifierSet(text) and len(text) <= _LONGEST else None
    except InvalidSpecifier:
        return None


def known_yank(yanked: bool | str | None) -> bool | str | None:
    """True or a reason of one line; None for what is not yanked."""
    if isinstance(yanked, str):
        return " ".join(yanked.split())[:_LONGEST] or True
    return yanked or None
