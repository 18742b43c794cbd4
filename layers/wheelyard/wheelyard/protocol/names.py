"""Project names, as the name normalisation specification (PEP 503) defines them."""

import re
from typing import NewType

from wheelyard.errors import InvalidName

ProjectName = NewType("ProjectName", str)
"""A valid project name in its normalised form: lower case, runs of ``-_.`` folded to one ``-``."""

_VALID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_SEPARATORS = re.compile(r"[-_.]+")


def project_name(raw: str) -> ProjectName:
    """Normalise a project name.

    Raises ``InvalidName`` for what the core metadata specification does not allow as a name.

    The packaging library does the same; it is not used here because importing it costs a cold start
    33 ms and this is one expression of the specification
    (https://packaging.python.org/en/latest/specifications/name-normalization/).
    """
    # str.lower maps some non-ASCII letters into ASCII, hence the check before it; 200 bounds keys.
    if len(raw) > 200 or not _VALID.fullmatch(raw):
        raise InvalidName(
            f"{raw[:200]!r} is not a project name: use ASCII letters, digits, '.', '-' and '_', "
            "beginning and ending with a letter or digit"
        )
    return ProjectName(_SEPARATORS.sub("-", raw).lower())
