"""Files on their way: written beside the store, gone when done, swept when their writer died."""

import fcntl
import os
from pathlib import Path
from tempfile import mkstemp
from types import TracebackType
from typing import Self

_PREFIX = "staged-"


class StagedFile:
    """A temporary file in ``folder`` that nobody else sees, removed when the block ends.

    Its writer holds a lock on it, so that ``sweep`` can tell a file in use from one whose writer was
    killed. Renaming or linking the path within the block keeps the content.
    """

    def __init__(self, folder: Path | None) -> None:
        """``folder`` None is the system's place for temporary files."""
        while True:
            descriptor, name = mkstemp(prefix=_PREFIX, dir=folder)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:  # else a sweep took it before it was locked
                break
            os.close(descriptor)
        self.path = Path(name)
        os.fchmod(descriptor, 0o640)  # it stays with the object; mkstemp's is for this user alone
        self.file = os.fdopen(descriptor, "w+b")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.file.close()
        self.path.unlink(missing_ok=True)


def sweep(folder: Path) -> int:
    """Remove the staged files in ``folder`` whose writers are gone; returns how many."""
    swept = 0
    for path in folder.glob(f"{_PREFIX}*"):
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
                swept += 1
        except (BlockingIOError, FileNotFoundError):
            continue
    return swept
