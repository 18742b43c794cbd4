"""Project names, as the name normalisation specification (PEP 503) defines them."""

import re
from collections.abc import Sequence
from typing import NewType, cast

from wheelyard.errors import InvalidName

ProjectName = NewType("ProjectName", str)
"""A valid project name in its normalised form: lower case, runs of ``-_.`` folded to one ``-``."""

_VALID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_SEPARATORS = re.compile(r"[-_.]+")
_LETTERS_AND_DIGITS = b"abcdefghijklmnopqrstuvwxyz0123456789"
_LONGEST = 200  # bounds keys
# Capitals to small letters, separators to "-", and whatever no name has to a space.
_FOLDED = bytes(
    byte if byte in _LETTERS_AND_DIGITS + b"-\n" else ord("-") if byte in b"_." else ord(" ")
    for byte in bytes(range(256)).lower()
)


def project_name(raw: str) -> ProjectName:
    """Normalise a project name.

    Raises ``InvalidName`` for what the core metadata specification does not allow as a name.

    The packaging library does the same; it is not used here because importing it costs a cold start
    33 ms and this is one expression of the specification
    (https://packaging.python.org/en/latest/specifications/name-normalization/).
    """
    # str.lower maps some non-ASCII letters into ASCII, hence the check before it.
    if len(raw) > _LONGEST or not _VALID.fullmatch(raw):
        raise InvalidName(
            f"{raw[:200]!r} is not a project name: use ASCII letters, digits, '.', '-' and '_', "
            "beginning and ending with a letter or digit"
        )
    return ProjectName(_SEPARATORS.sub("-", raw).lower())


def project_names(raw: Sequence[str]) -> list[ProjectName]:
    """``project_name`` of each, all at once: for a list as long as an index has.

    Raises ``InvalidName`` if one of them is none; which one, it does not say.
    """
    if not raw:
        return []
    names = "\n".join(raw)
    folded = names.encode("ascii", "replace").translate(_FOLDED)
    while b"--" in folded:
        folded = folded.replace(b"--", b"-")
    framed = b"\n%b\n" % folded
    if (
        any(wrong in framed for wrong in (b" ", b"\n\n", b"\n-", b"-\n"))
        or names.count("\n") != len(raw) - 1
        or max(map(len, raw)) > _LONGEST
    ):
        raise InvalidName("one of the names is not a project name")
    return cast("list[ProjectName]", folded.decode().split("\n"))
