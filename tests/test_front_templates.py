"""fronts/: what can stand before the functions, or in place of them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import decode

import lambdas
import tools
from fronts import FRONTS
from fronts.wire import Sent
from requests_of_clients import READER
from servers import S3Server
from wheelyard.access.users import Users
from wheelyard.storage.opening import open_bucket

TEMPLATES = sorted((tools.ROOT / "fronts").glob("*.yaml"))
LARGEST = 1024 * 1024
"""Bytes of a viewer request's function, zipped (CloudFront's quotas)."""


def template(name: str) -> dict[str, Any]:
    """A template as written, its tags in the long form."""
    document, mistakes = decode(str(tools.ROOT / "fronts" / f"{name}.yaml"))
    assert not mistakes
    plain: dict[str, Any] = json.loads(json.dumps(document))
    return plain


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_lint(path: Path) -> None:
    """Each template is valid, and cfn-lint finds nothing in it."""
    region = tools.environment(AWS_DEFAULT_REGION="us-east-1")
    printed = tools.run("sam", "validate", "--lint", "--template", path, environ=region)
    assert "is a valid SAM Template" in printed


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_parameters_are_described(path: Path) -> None:
    """Whoever deploys it is told what each parameter is for."""
    for name, parameter in template(path.stem)["Parameters"].items():
        assert parameter.get("Description"), name


def test_alb_routes_by_method() -> None:
    """Whatever can change something goes to the function for uploads, all else to readers'."""
    resources = template("alb")["Resources"]
    (default,) = resources["Listener"]["Properties"]["DefaultActions"]
    assert default["TargetGroupArn"] == {"Ref": "Readers"}
    assert resources["Listener"]["Properties"]["Protocol"] == "HTTPS"
    rule = resources["WritingMethods"]["Properties"]
    (condition,) = rule["Conditions"]
    methods = {"POST", "PUT", "PATCH", "DELETE"}
    assert set(condition["HttpRequestMethodConfig"]["Values"]) == methods
    assert rule["Actions"][0]["TargetGroupArn"] == {"Ref": "Uploaders"}
    for group in ("Readers", "Uploaders"):
        attributes = resources[group]["Properties"]["TargetGroupAttributes"]
        assert {"Key": "lambda.multi_value_headers.enabled", "Value": "true"} in attributes


def test_cloudfront_shares_nothing() -> None:
    """No answer is cached, every header goes to the index, and CloudFront proves who it is."""
    config = template("cloudfront")["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
    for behavior in (config["DefaultCacheBehavior"], *config["CacheBehaviors"]):
        # AWS's managed policies CachingDisabled and AllViewerExceptHostHeader.
        assert behavior["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
        assert behavior["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
        assert behavior["ViewerProtocolPolicy"] == "https-only"
    for origin in config["Origins"]:
        headers = {
            each["HeaderName"]: each["HeaderValue"] for each in origin["OriginCustomHeaders"]
        }
        assert headers == {
            "X-Origin-Secret": {"Ref": "OriginSecret"},
            "X-Forwarded-Host": {"Ref": "DomainName"},
        }
        assert origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"


def test_firewall_blocks_by_default() -> None:
    """Only the networks that were named come through, and not without measure."""
    firewall = template("cloudfront")["Resources"]["Firewall"]["Properties"]
    assert firewall["DefaultAction"] == {"Block": {}}
    rate, allowed = sorted(firewall["Rules"], key=lambda rule: int(rule["Priority"]))
    assert "Block" in rate["Action"]
    assert "Allow" in allowed["Action"]


def test_edge_asks_before_the_cache() -> None:
    """The guard sees every viewer's request, cached or not; what is cached depends on no credentials."""
    resources = template("edge")["Resources"]
    behavior = resources["Distribution"]["Properties"]["DistributionConfig"]["DefaultCacheBehavior"]
    (association,) = behavior["LambdaFunctionAssociations"]
    assert association["EventType"] == "viewer-request"
    function = resources["EdgeFunction"]["Properties"]
    assert (function["MemorySize"], function["Timeout"]) == (128, 5)
    assert not {"Environment", "Layers", "VpcConfig"} & function.keys()


def test_edge_reads_users_and_tokens_alone() -> None:
    """The guard's role may read who there is, and write logs."""
    policies = template("edge")["Resources"]["EdgeRole"]["Properties"]["Policies"]
    granted = {
        action
        for policy in policies
        for statement in policy["PolicyDocument"]["Statement"]
        for action in _many(statement.get("Fn::If", [None, statement])[1]["Action"])
    }
    assert {action for action in granted if not action.startswith("logs:")} == {
        "s3:GetObject",
        "s3:ListBucket",
        "kms:Decrypt",
    }
    (users,) = [policy for policy in policies if policy["PolicyName"] == "KnowUsers"]
    objects = users["PolicyDocument"]["Statement"][0]["Resource"]
    assert [resource["Fn::Sub"][0].partition("${Prefix}")[2] for resource in objects] == [
        "users/*",
        "tokens/*",
    ]


_RUN = """
import json, sys
sys.path.insert(0, ".")
import app
print(json.dumps([app.handler(event, None) for event in json.loads(sys.stdin.read())]))
"""


def test_edge_build(s3_moto: S3Server, tmp_path: Path) -> None:
    """What is built is small enough, needs nothing but Python, and knows where the users are."""
    environ = lambdas.environment(s3_moto, s3_moto.new_bucket(), REPO_BASE_PREFIX="some/prefix")
    Users(open_bucket(environ, 900)).put("reader", "example-password")
    printed = tools.run(
        "make",
        *("-C", "functions/edge", f"BUILD={tmp_path}", f"BUCKET={environ['BUCKET']}"),
        *(
            f"REGION={environ['AWS_REGION']}",
            "PREFIX=some/prefix",
            f"LAMBDA_PYTHON={sys.executable}",
        ),
    )
    size = int(printed.partition(f"{tmp_path}/: ")[2].partition(" ")[0])
    assert 0 < size <= LARGEST
    front = FRONTS["edge-viewer"]
    asked = [Sent("GET", "/simple/", headers=READER), Sent("GET", "/simple/")]
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _RUN],
        input=json.dumps([front.event(sent) for sent in asked]),
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        check=True,
        text=True,
    )
    let_through, refused = json.loads(ran.stdout)
    assert let_through["uri"] == "/simple/index.html"
    assert refused["status"] == "401"


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
