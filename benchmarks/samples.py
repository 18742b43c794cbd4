"""What was measured: figures by section, by what was done and by who did it; and what failed."""

import json
from collections.abc import Collection
from pathlib import Path
from statistics import median
from typing import NamedTuple

OURS = "wheelyard"


class Figure(NamedTuple):
    """What a figure is of. ``unit`` is written behind it."""

    section: str
    what: str
    who: str
    unit: str


class Failure(NamedTuple):
    """Something that could not be measured, and why."""

    section: str
    what: str
    who: str
    reason: str


class Samples:
    """Every value of every figure, in the order of the first."""

    def __init__(self) -> None:
        self.values: dict[Figure, list[float]] = {}
        self.failures: list[Failure] = []
        self.notes: dict[str, str] = {}

    def add(self, section: str, what: str, who: str, unit: str, value: float) -> None:
        """One more value of a figure."""
        self.values.setdefault(Figure(section, what, who, unit), []).append(value)

    def forget(self, sections: Collection[str]) -> None:
        """Drop what there is of some sections, which are measured again."""
        self.values = {f: found for f, found in self.values.items() if f.section not in sections}
        self.failures = [each for each in self.failures if each.section not in sections]

    def fail(self, section: str, what: str, who: str, reason: object) -> None:
        """Note a failure; only the first of its kind."""
        failure = Failure(section, what, who, " ".join(str(reason).split())[:300])
        if failure[:3] not in [known[:3] for known in self.failures]:
            self.failures.append(failure)
            print(f"  ! {who}, {what}: {failure.reason}", flush=True)

    def median(self, section: str, what: str, who: str, unit: str) -> float | None:
        """The median of a figure, None if there is none."""
        values = self.values.get(Figure(section, what, who, unit))
        return median(values) if values else None

    def save(self, path: Path) -> None:
        """Write everything as JSON."""
        document = {
            "figures": [
                {**figure._asdict(), "values": found} for figure, found in self.values.items()
            ],
            "failures": [failure._asdict() for failure in self.failures],
            "notes": self.notes,
        }
        path.write_text(json.dumps(document, indent=1))


def load(path: Path) -> Samples:
    """What ``save`` wrote."""
    document = json.loads(path.read_text())
    samples = Samples()
    for item in document["figures"]:
        values = item.pop("values")
        samples.values[Figure(**item)] = values
    samples.failures = [Failure(**item) for item in document["failures"]]
    samples.notes = document["notes"]
    return samples
