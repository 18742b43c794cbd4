"""Distribution files that must be refused, each with the error that a person would want.

``EVERY`` is the whole table; it is the same bytes at every run.
"""

from hostile.case import Hostile
from hostile.documents import DOCUMENTS
from hostile.filenames import FILENAMES
from hostile.framing import FRAMING
from hostile.sdists import SDISTS
from hostile.tars import TARS
from hostile.wheels import WHEELS

EVERY: tuple[Hostile, ...] = (*FILENAMES, *FRAMING, *WHEELS, *DOCUMENTS, *SDISTS, *TARS)

__all__ = ["EVERY", "Hostile"]
