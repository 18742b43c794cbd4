"""Project names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from wheelyard.errors import InvalidName
from wheelyard.protocol.names import project_name, project_names

VALID = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,30}[A-Za-z0-9])?", fullmatch=True)


@given(VALID)
def test_normalises_as_the_reference_implementation_does(raw: str) -> None:
    """A valid name becomes what the packaging library makes of it."""
    assert str(project_name(raw)) == canonicalize_name(raw, validate=True)


@given(VALID)
def test_a_normalised_name_is_its_own_normal_form(raw: str) -> None:
    """Normalising twice changes nothing more."""
    assert project_name(project_name(raw)) == project_name(raw)


_ANYTHING = st.text(st.sampled_from("aZ09-_. \n?/\u212a\u00e9\ud800\x00"), max_size=5)


@given(st.lists(st.one_of(VALID, VALID, _ANYTHING, st.text(max_size=5)), max_size=6))
def test_many_at_once_are_what_each_is(raw: list[str]) -> None:
    """A list of names is normalised as each is; where one is no name, the list is refused."""
    try:
        one_by_one = [project_name(name) for name in raw]
    except InvalidName:
        with pytest.raises(InvalidName):
            project_names(raw)
    else:
        assert project_names(raw) == one_by_one


@pytest.mark.parametrize("length", [199, 200, 201])
def test_the_longest_of_many_is_bounded_as_one_is(length: int) -> None:
    """Also where folding its separators would make it short enough."""
    raw = ["a", "b" + "-" * (length - 2) + "c"]
    if length > 200:
        with pytest.raises(InvalidName):
            project_names(raw)
    else:
        assert project_names(raw) == ["a", "b-c"]


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "-",
        "a-",
        "-a",
        ".a",
        "a b",
        "a/b",
        "..",
        "a\n",
        "é",
        "\u212aelvin",
        "\u017foo",
        "+simple",
        "a%2f",
        "x" * 201,
    ],
)
def test_refuses_what_is_no_name(raw: str) -> None:
    """What the specification does not allow is refused, with the value in the message."""
    with pytest.raises(InvalidName, match="is not a project name"):
        project_name(raw)
