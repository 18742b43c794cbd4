"""Project names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from wheelyard.errors import InvalidName
from wheelyard.protocol.names import project_name

VALID = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,30}[A-Za-z0-9])?", fullmatch=True)


@given(VALID)
def test_normalises_as_the_reference_implementation_does(raw: str) -> None:
    """A valid name becomes what the packaging library makes of it."""
    assert str(project_name(raw)) == canonicalize_name(raw, validate=True)


@given(VALID)
def test_a_normalised_name_is_its_own_normal_form(raw: str) -> None:
    """Normalising twice changes nothing more."""
    assert project_name(project_name(raw)) == project_name(raw)


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
