"""Restart changes one variable and nothing else, whoever else changes the function."""

from collections.abc import Iterable
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from wheelyard.errors import RestartConflict, RestartFailed
from wheelyard.mirror.restart import VARIABLE, restart


class FakeLambda:
    """A function's configuration, as Lambda keeps it; ``conflicts`` are answers before the true one."""

    def __init__(self, variables: dict[str, str], conflicts: Iterable[str] = ()) -> None:
        self.environment: dict[str, Any] = {"Variables": variables}
        self.revision = 1
        self.updates = 0
        self.waited: list[str] = []
        self._conflicts = list(conflicts)

    def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        environment = {
            key: dict(value) if isinstance(value, dict) else value
            for key, value in self.environment.items()
        }
        return {
            "FunctionName": FunctionName,
            "RevisionId": str(self.revision),
            "Environment": environment,
        }

    def update_function_configuration(
        self,
        FunctionName: str,  # noqa: N803, ARG002
        Environment: dict[str, Any],  # noqa: N803
        RevisionId: str,  # noqa: N803
    ) -> None:
        if self._conflicts:
            code = self._conflicts.pop(0)
            if code == "changed by another":
                self.environment["Variables"]["OTHER"] = "new"
                self.revision += 1
            else:
                raise _error(code)
        if str(self.revision) != RevisionId:
            raise _error("PreconditionFailedException")
        self.environment = Environment
        self.revision += 1
        self.updates += 1

    def get_waiter(self, name: str) -> "FakeLambda":
        self.waited.append(name)
        return self

    def wait(self, **options: Any) -> None:
        """There is nothing to wait for."""


def _error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "…"}}, "UpdateFunctionConfiguration")


def _restart(fake: FakeLambda, snapshot: str = "abc") -> list[float]:
    """Restart; returns what was slept."""
    slept: list[float] = []
    done = restart(cast(Any, fake), "request", snapshot, slept.append)
    assert done == {"function": "request", "snapshot": snapshot}
    return slept


def test_one_variable_is_changed() -> None:
    """The others stay as they are, and the new configuration is waited for."""
    fake = FakeLambda({"BUCKET": "b", VARIABLE: "old"})
    assert _restart(fake) == []
    assert fake.environment == {"Variables": {"BUCKET": "b", VARIABLE: "abc"}}
    assert fake.waited == ["function_updated"]


def test_a_restart_that_is_done_is_not_done_again() -> None:
    """Running the step again replaces no environment."""
    fake = FakeLambda({"BUCKET": "b"})
    _restart(fake)
    _restart(fake)
    assert fake.updates == 1


@pytest.mark.parametrize("code", ["ResourceConflictException", "TooManyRequestsException"])
def test_a_conflict_passes(code: str) -> None:
    """A function that is being updated is asked again, more and more slowly."""
    fake = FakeLambda({"BUCKET": "b"}, [code, code, code])
    slept = _restart(fake)
    assert len(slept) == 3
    assert slept == sorted(set(slept))
    assert fake.environment["Variables"] == {"BUCKET": "b", VARIABLE: "abc"}


def test_what_others_change_in_between_is_kept() -> None:
    """A deployment between reading and writing loses nothing."""
    fake = FakeLambda({"BUCKET": "b"}, ["changed by another"])
    _restart(fake)
    assert fake.environment["Variables"] == {"BUCKET": "b", "OTHER": "new", VARIABLE: "abc"}


def test_conflicts_without_end_are_told() -> None:
    """The error has its own name, which the workflow retries."""
    fake = FakeLambda({}, ["ResourceConflictException"] * 100)
    with pytest.raises(RestartConflict, match="'request'"):
        _restart(fake)


def test_variables_that_cannot_be_read_are_not_overwritten() -> None:
    """Where the key that encrypts them is out of reach, Lambda gives none; writing would lose all."""
    fake = FakeLambda({})
    fake.environment = {"Error": {"ErrorCode": "AccessDeniedException", "Message": "kms"}}
    with pytest.raises(RestartFailed, match="AccessDenied"):
        _restart(fake)
    assert fake.updates == 0


def test_another_error_is_not_taken_for_a_conflict() -> None:
    """A missing permission fails at once."""
    fake = FakeLambda({}, ["AccessDeniedException"])
    with pytest.raises(ClientError, match="AccessDenied"):
        _restart(fake)
