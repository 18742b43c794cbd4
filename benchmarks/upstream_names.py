"""Real-looking names of an upstream index, in any number, with serials; and its root listing.

The names are made of the words, separators and endings that real ones have, in about their lengths (14
characters at the median), so that they compress like real ones. The same seed gives the same names.

Run it to write a listing: ``python benchmarks/upstream_names.py 886000 json > listing.json``
"""

import json
import random
import sys
from collections.abc import Iterator
from typing import NamedTuple

FULL = 886_000
"""About as many projects as the public index has."""

_WORDS = (  # noqa: SIM905
    "django flask py python aws azure google cloud data ml ai torch tensor net auth api rest http async "
    "io db sql mongo redis kafka spark stream graph plot vis web ui cli tool tools kit lib utils core "
    "common config log logger test pytest mock fake faker date time geo map image video audio text nlp "
    "token parse parser json yaml xml csv pdf excel office mail email sms chat bot telegram discord "
    "slack git github docker kube helm ansible terraform deploy build ci lint format type typed schema "
    "model orm cache queue task job worker scheduler cron event signal hook plugin ext contrib backend "
    "frontend client server proxy gateway router socket ws grpc proto crypto hash jwt oauth ldap saml "
    "sso secret vault key finance trade stock coin bitcoin eth wallet bank pay stripe shop cart order "
    "crm erp odoo addon theme admin form field widget table grid chart dash board report stats math "
    "matrix linear solver optim sim physics chem bio gene genome protein med health sensor iot mqtt "
    "serial usb gpio robot ros drone game engine sprite unity open simple easy fast quick mini micro "
    "nano super hyper auto smart deep learn neural transformer llm agent prompt rag embed vector search "
    "index rank recommend scrape crawler spider selenium browser"
).split()
_SYLLABLES = (  # noqa: SIM905
    "ka lo mi ra ne ti su zo ba de fi gu ha jo le ma no pi qu ri sa to ve wa xi yo an er il on"
).split()
_SEPARATORS = ["-"] * 12 + ["_"] * 5 + ["."] * 2 + [""] * 6
_SPECIFIC = 0.45
"""How many of the words are nobody else's: somebody's own name, a product."""


class Upstream(NamedTuple):
    """One project: its name as its owner spells it, and the serial of its last change."""

    name: str
    serial: int


def projects(count: int, seed: int = 20261122) -> list[Upstream]:
    """``count`` projects, no two with the same normalised name, in the order of names."""
    chance = random.Random(seed)  # noqa: S311
    names: dict[str, str] = {}
    while len(names) < count:
        name = _name(chance)
        names.setdefault(name.lower().replace("_", "-").replace(".", "-"), name)
    serials = chance.sample(range(1_000_000, 1_000_000 + 40 * count), count)
    return [
        Upstream(name, serial)
        for name, serial in zip((names[key] for key in sorted(names)), serials, strict=True)
    ]


def _name(chance: random.Random) -> str:
    words = [_word(chance) for _ in range(chance.choices((1, 2, 3, 4), (12, 48, 30, 10))[0])]
    separator = chance.choice(_SEPARATORS)
    name = separator.join(words)
    if chance.random() < 0.08:
        name += str(chance.randrange(2, 1000))
    return name.title() if chance.random() < 0.06 else name


def _word(chance: random.Random) -> str:
    if chance.random() > _SPECIFIC:
        return chance.choice(_WORDS)
    return "".join(chance.choices(_SYLLABLES, k=chance.choice((2, 3, 3, 4))))


def root_json(found: list[Upstream], *, serials: bool = True) -> Iterator[bytes]:
    """The JSON listing in chunks of about 60 kB, serials as the public index gives them."""
    last = max((project.serial for project in found), default=0)
    meta = {"_last-serial": last, "api-version": "1.4"} if serials else {"api-version": "1.4"}
    yield b'{"meta":%b,"projects":[' % json.dumps(meta).encode()
    for start in range(0, len(found), 1000):
        items = [
            {"_last-serial": project.serial, "name": project.name}
            if serials
            else {"name": project.name}
            for project in found[start : start + 1000]
        ]
        yield (b"," if start else b"") + json.dumps(items, separators=(",", ":"))[1:-1].encode()
    yield b"]}"


def root_html(found: list[Upstream]) -> Iterator[bytes]:
    """The HTML listing in chunks of about 60 kB, written as the public index writes it."""
    yield (
        b'<!DOCTYPE html>\n<html>\n  <head>\n    <meta name="pypi:repository-version" content="1.4">\n'
        b"    <title>Simple index</title>\n  </head>\n  <body>\n"
    )
    for start in range(0, len(found), 1000):
        yield b"".join(
            f'    <a href="/simple/{key}/">{name}</a>\n'.encode()
            for name, _ in found[start : start + 1000]
            for key in [name.lower().replace("_", "-").replace(".", "-")]
        )
    yield b"  </body>\n</html>\n"


def main() -> None:
    """Write a listing to standard output."""
    count, form = int(sys.argv[1]), sys.argv[2]
    found = projects(count)
    for chunk in root_html(found) if form == "html" else root_json(found):
        sys.stdout.buffer.write(chunk)


if __name__ == "__main__":
    main()
