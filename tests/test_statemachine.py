"""statemachines/reindex.asl.json against the functions that it calls, where an emulator does not look."""

import importlib.util
import json
import re
from collections.abc import Iterator
from typing import Any

import botocore.exceptions
import pytest

import tools
from wheelyard import errors
from wheelyard.entry.stepping import PAYLOADS

DEFINITION = tools.ROOT / "statemachines" / "reindex.asl.json"

# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html and
# https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html (Lambda's own)
AWS_ERRORS = {
    "States.ALL",
    "States.Timeout",
    "Sandbox.Timedout",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.ClientExecutionTimeoutException",
}


@pytest.fixture(scope="module")
def definition() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(DEFINITION.read_text())
    return loaded


def _states(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in machine["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from _states(state["ItemProcessor"])


def _tasks(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: state for name, state in _states(definition) if state["Type"] == "Task"}


def test_error_names_are_the_names_of_exceptions(definition: dict[str, Any]) -> None:
    """Lambda reports an exception by the name of its class: each name here is one that exists."""
    named = {
        error
        for _, state in _states(definition)
        for rule in (*state.get("Retry", ()), *state.get("Catch", ()))
        for error in rule["ErrorEquals"]
    }
    own = named - AWS_ERRORS
    assert own
    for name in own:
        kind = getattr(errors, name, None) or getattr(botocore.exceptions, name)
        assert issubclass(kind, Exception)
        assert kind.__name__ == name


def test_no_retry_waits_for_what_does_not_pass(definition: dict[str, Any]) -> None:
    """A refusal, a shrunken listing and a missing object are told at once."""
    for _, state in _states(definition):
        for rule in state.get("Retry", ()):
            assert not {"States.ALL", "States.TaskFailed", "Exception"} & set(rule["ErrorEquals"])
            assert not {
                "UpstreamRefused",
                "UpstreamInvalid",
                "ListingShrank",
                "KeyNotFound",
                "InvalidPayload",
                "RestartFailed",
            } & set(rule["ErrorEquals"])


def test_every_task_is_retried_and_every_failure_is_told(definition: dict[str, Any]) -> None:
    """Each task retries what passes; each step's failure ends in the one state that says which it was."""
    for state in _tasks(definition).values():
        retried = {error for rule in state["Retry"] for error in rule["ErrorEquals"]}
        assert "Lambda.TooManyRequestsException" in retried
        assert "States.Timeout" in retried
    for name in ("Fetch", "Shard", "Activate", "Restart"):
        [rule] = definition["States"][name]["Catch"]
        assert rule["ErrorEquals"] == ["States.ALL"]
        assert rule["Assign"] == {"step": name}
        assert rule["Next"] == "Failed"
    assert definition["States"]["Failed"]["Type"] == "Fail"
    assert "$step" in definition["States"]["Failed"]["Cause"]


@pytest.mark.parametrize(
    ("state", "step"),
    [
        ("Fetch", "fetch"),
        ("ShardPart", "shard"),
        ("Activate", "activate"),
        ("RestartFunction", "restart"),
    ],
)
def test_a_state_its_function_and_its_handler_have_one_name(
    definition: dict[str, Any], state: str, step: str
) -> None:
    """And the state hands over what the handler asks for."""
    arguments = _tasks(definition)[state]["Arguments"]
    assert arguments["FunctionName"] == f"${{{step.capitalize()}Function}}"
    assert set(arguments["Payload"]) == set(PAYLOADS[step]["properties"])  # type: ignore[call-overload]
    spec = importlib.util.spec_from_file_location(
        "reindex_app", tools.ROOT / "functions" / "reindex" / "app.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert callable(getattr(module, step))


def test_every_substitution_is_made() -> None:
    """The template gives each name in the definition a value, and no others."""
    wanted = set(re.findall(r"\$\{(\w+)\}", DEFINITION.read_text()))
    template = (tools.ROOT / "template.yaml").read_text()
    machine = template.partition("  ReindexStateMachine:\n")[2]
    block = machine.partition("DefinitionSubstitutions:\n")[2].partition("      Role:")[0]
    assert set(re.findall(r"^ {8}(\w+):", block, re.MULTILINE)) == wanted


def test_no_state_is_out_of_reach(definition: dict[str, Any]) -> None:
    """From the first one every state can be come to, and every state that is named exists."""
    states = definition["States"]
    reached: set[str] = set()
    ahead = [definition["StartAt"]]
    while ahead:
        name = ahead.pop()
        if name in reached:
            continue
        reached.add(name)
        state = states[name]
        ahead += [state[key] for key in ("Next", "Default") if key in state]
        ahead += [rule["Next"] for key in ("Catch", "Choices") for rule in state.get(key, ())]
    assert reached == set(states)
