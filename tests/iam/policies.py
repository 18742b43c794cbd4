"""IAM policy documents, as far as this project writes them: who may do what to which resource.

An explicit denial beats every grant, and what nobody grants is denied:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Document = Mapping[str, Any]


class Asked(NamedTuple):
    """One action on one resource, and the condition keys that the request has."""

    action: str
    resource: str
    conditions: Mapping[str, str] = {}


class Grant(NamedTuple):
    """One action on one pattern of resources that a policy allows."""

    action: str
    resource: str

    def covers(self, asked: Asked) -> bool:
        """Whether it is about what is asked for."""
        return _like(self.action.lower(), asked.action.lower()) and _like(
            self.resource, asked.resource
        )


class Policies(NamedTuple):
    """What one identity may do. ``denials`` are statements that hold whatever is granted."""

    grants: tuple[Grant, ...]
    denials: tuple[Document, ...] = ()

    @classmethod
    def of(cls, own: Sequence[Document], of_resources: Sequence[Document] = ()) -> "Policies":
        """By its own documents, which only grant here, and those of the resources, which only deny."""
        allowing, denying = list(_statements(own)), list(_statements(of_resources))
        assert {each["Effect"] for each in allowing} <= {"Allow"}
        assert {each["Effect"] for each in denying} <= {"Deny"}
        assert not any("Condition" in each for each in allowing)
        return cls(tuple(grant for each in allowing for grant in _grants(each)), tuple(denying))

    def grant(self, asked: Asked) -> Grant | None:
        """The grant by which this is allowed, None if it is denied."""
        for statement in self.denials:
            about = any(grant.covers(asked) for grant in _grants(statement))
            if about and _holds(statement.get("Condition", {}), asked.conditions):
                return None
        return next((grant for grant in self.grants if grant.covers(asked)), None)

    def without(self, action: str, folder: str) -> "Policies":
        """The same without one action on what is below ``folder``."""
        fewer = tuple(
            grant
            for grant in self.grants
            if grant.action != action or f"/{folder}/" not in grant.resource
        )
        assert fewer != self.grants, f"{action} on {folder!r} is not granted anyway"
        return self._replace(grants=fewer)


def _statements(documents: Iterable[Document]) -> Iterator[Document]:
    for document in documents:
        yield from _several(document["Statement"])


def _grants(statement: Document) -> Iterator[Grant]:
    for action in _several(statement["Action"]):
        for resource in _several(statement["Resource"]):
            yield Grant(action, resource)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _holds(conditions: Document, found: Mapping[str, str]) -> bool:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"""
    return all(
        _compare(operator, str(wanted).lower(), found.get(key.lower()))
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _compare(operator: str, wanted: str, found: str | None) -> bool:
    if operator == "Null":
        return (found is None) is (wanted == "true")
    assert operator == "Bool", f"the condition {operator} is not known here"
    return found == wanted


def _like(pattern: str, value: str) -> bool:
    parts = ({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return re.fullmatch("".join(parts), value, re.DOTALL) is not None
