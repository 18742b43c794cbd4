"""Sets of projects, and what a principal may do with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelyard.access.principal import Principal
from wheelyard.access.projects import EVERYTHING, NOTHING, project_set
from wheelyard.access.rights import Rights, parse_rights, rights
from wheelyard.errors import Forbidden, InvalidName
from wheelyard.protocol.names import project_name

NAMES = ["acme", "acme-a", "acme-tools", "acmeology", "other", "zeta"]


@pytest.mark.parametrize(
    ("patterns", "included"),
    [
        ([], []),
        (["*"], NAMES),
        (["other", "*"], NAMES),
        (["acme-*"], ["acme-a", "acme-tools"]),
        (["Acme_*"], ["acme-a", "acme-tools"]),
        (["acme*"], ["acme", "acme-a", "acme-tools", "acmeology"]),
        (["acme", "acme-*"], ["acme", "acme-a", "acme-tools"]),
        (["Acme.Tools", "zeta"], ["acme-tools", "zeta"]),
        (["acme-t*", "acme-*", "acme-tools"], ["acme-a", "acme-tools"]),
        (["unknown", "zz*", "a"], []),
    ],
)
def test_patterns(patterns: list[str], included: list[str]) -> None:
    """A pattern is a name, a prefix before a star, or a star for all; spelling does not matter."""
    projects = project_set(patterns)
    assert [name for name in NAMES if projects.includes(project_name(name))] == included
    assert projects.among(NAMES) == included


@given(
    st.lists(st.from_regex(r"[ab]-?[ab]?", fullmatch=True).filter(lambda n: n[-1] != "-")),
    st.lists(st.from_regex(r"[ab]-?[ab]?\*|\*", fullmatch=True), max_size=3),
)
def test_a_listing_has_what_the_set_includes(names: list[str], patterns: list[str]) -> None:
    """Looking up a set in a sorted listing finds what asking for each name does."""
    projects, listing = project_set(patterns), sorted(set(names))
    each = [name for name in listing if projects.includes(project_name(name))]
    assert projects.among(listing) == each


@pytest.mark.parametrize(
    "pattern", ["", "-", "*-tools", "acme-*-x", "a**", "é*", "a/b", "-*", "[a]*"]
)
def test_wrong_patterns(pattern: str) -> None:
    """What is neither name nor prefix is refused, since it would allow less than was meant."""
    with pytest.raises(InvalidName):
        project_set([pattern])


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({}, Rights(EVERYTHING, NOTHING)),
        ({"upload": True}, Rights(EVERYTHING, EVERYTHING)),
        ({"upload": False, "read": []}, Rights(NOTHING, NOTHING)),
        ({"upload": ["acme-*"]}, Rights(EVERYTHING, project_set(["acme-*"]))),
        ({"upload": [], "read": ["x"]}, Rights(project_set(["x"]), NOTHING)),
        ({"upload": None}, Rights(EVERYTHING, NOTHING)),
    ],
)
def test_rights_of_records(record: dict[str, object], expected: Rights) -> None:
    """A record's ``upload`` is a boolean or projects, and its ``read`` projects, all by default."""
    assert parse_rights(record) == expected
    assert parse_rights(expected.as_record()) == expected


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (rights(), "read"),
        (rights(True), "read, upload"),
        (rights(["a", "b-*"]), "read; upload a, b-*"),
        (rights(True, ["a"]), "read a; upload"),
        (rights(False, []), "read none"),
    ],
)
def test_rights_as_people_read_them(given: Rights, text: str) -> None:
    """Rights are shown in one line."""
    assert str(given) == text


A, B = project_name("acme-a"), project_name("other")


@pytest.mark.parametrize(
    ("given", "reads", "uploads"),
    [
        (rights(), {A, B}, set()),
        (rights(True), {A, B}, {A, B}),
        (rights(["acme-*"]), {A, B}, {A}),
        (rights(False, ["acme-*"]), {A}, set()),
        (rights(True, ["acme-*"]), {A}, {A}),
        (rights(["other"], ["acme-*"]), {A}, set()),
    ],
)
def test_what_a_principal_may_do(given: Rights, reads: set[str], uploads: set[str]) -> None:
    """What may not be read may not be uploaded either."""
    principal = Principal("ann", given)
    assert {name for name in (A, B) if principal.may_read(name)} == reads
    assert {name for name in (A, B) if principal.may_upload(name)} == uploads


@pytest.mark.parametrize(
    ("principal", "message"),
    [
        (Principal("ann"), "user 'ann' may read but not upload: ask for the upload role"),
        (
            Principal("ci", rights(), "ABCDEFGHIJKL"),
            "token ABCDEFGHIJKL of user 'ci' may read but not upload: use one made for uploads",
        ),
        (
            Principal("ann", rights(["acme-*"])),
            "user 'ann' may not upload to project 'other', only to: acme-*",
        ),
        (
            Principal("ann", rights(True, ["acme-*"])),
            "user 'ann' may not upload to project 'other', only to: acme-*",
        ),
    ],
)
def test_the_reason_of_a_refusal(principal: Principal, message: str) -> None:
    """Who may not upload is told who they are taken for, and what they may."""
    with pytest.raises(Forbidden) as refused:
        principal.require_upload(B)
    assert str(refused.value) == message
