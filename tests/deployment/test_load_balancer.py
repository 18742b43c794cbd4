"""A load balancer of fronts/alb.yaml before the functions, with the real clients."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import clients
import emulator
import tools
from clients import PUBLISHER
from distributions import build_wheel
from stack import Stack, deployed

pytestmark = [pytest.mark.deployment, pytest.mark.xdist_group("deployment")]

ACCOUNT = "000000000000"
WHEEL = build_wheel("acme-rocket", "1.0")


@pytest.fixture(scope="module")
def balanced(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that has no front of its own, and a load balancer with its functions."""
    with emulator.running(tmp_path_factory.mktemp("ministack")) as aws:
        stack = deployed(aws, built / "template.yaml", Front="None")
        user = {"username": PUBLISHER.name, "password": PUBLISHER.password, "upload": True}
        stack.administer({"putUser": user})
        url = f"http://localhost:{aws.port}/_alb/{_load_balancer(stack)}"
        yield stack._replace(index_url=f"{url}/simple/", upload_url=f"{url}/legacy/")


def _load_balancer(stack: Stack) -> str:
    """The name of the load balancer that was deployed."""
    outputs = {
        output["OutputKey"]: output["OutputValue"]
        for output in stack.client("cloudformation").describe_stacks(StackName="wheelyard")[
            "Stacks"
        ][0]["Outputs"]
    }
    parameters = {
        "RequestFunctionArn": outputs["RequestFunctionArn"],
        "UploadFunctionArn": outputs["UploadFunctionArn"],
        "SubnetIds": "subnet-1,subnet-2",
        "SecurityGroupIds": "sg-1",
        "CertificateArn": f"arn:aws:acm:eu-central-1:{ACCOUNT}:certificate/example",
    }
    tools.run(
        "sam",
        "deploy",
        *("--template-file", tools.ROOT / "fronts/alb.yaml", "--stack-name", "wheelyard-alb"),
        *("--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--parameter-overrides"),
        *(f"{key}={value}" for key, value in parameters.items()),
        environ=tools.environment(**stack.emulator.environment),
    )
    elb = stack.client("elbv2")
    # The emulator does not read a target group's Targets.
    described = stack.client("cloudformation").describe_stack_resources(StackName="wheelyard-alb")
    groups = {each["LogicalResourceId"]: each for each in described["StackResources"]}
    for group, function in (("Readers", "Request"), ("Uploaders", "Upload")):
        elb.register_targets(
            TargetGroupArn=groups[group]["PhysicalResourceId"],
            Targets=[{"Id": outputs[f"{function}FunctionArn"]}],
        )
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    return str(balancer["LoadBalancerName"])


def test_twine_and_pip(balanced: Stack, tmp_path: Path) -> None:
    """What twine uploads through the load balancer, pip downloads."""
    done = clients.twine(balanced, PUBLISHER, tmp_path, WHEEL)
    assert done.returncode == 0, done.stdout
    tools.run(
        "pip",
        *("download", "--isolated", "--no-cache-dir", "--dest", tmp_path / "downloaded"),
        *("--index-url", PUBLISHER.within(balanced.index_url), "acme-rocket==1.0"),
        environ=tools.environment(PIP_CONFIG_FILE="/dev/null"),
    )
    assert (tmp_path / "downloaded" / WHEEL.filename).read_bytes() == WHEEL.content


def test_each_path_reaches_its_function(balanced: Stack) -> None:
    """Sessions and trusted publishing are the upload function's, pages the other one's."""
    root = balanced.index_url.removesuffix("simple/")
    assert clients.get(f"{root}simple/no-such-project/", PUBLISHER).status == 404
    assert clients.get(f"{root}simple/").status == 401
    assert clients.get(f"{root}-/health").status == 200
