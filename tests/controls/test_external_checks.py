"""What other tools check has a home in ours: a requirement that asks the service which the check looks at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from answers import kinds

from controls.catalog import installed

REQUIREMENTS = {item.id: item for item in installed().requirements}
COUNTS = {"prowler": 209, "aws_config_hipaa_pack": 130, "turbot_aws_compliance": 193}


@pytest.fixture(scope="module")
def external(shared: Path) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load((shared / "reference/external_checks.yaml").read_bytes(), Loader=loader)
    return found


@pytest.mark.parametrize("tool", COUNTS)
def test_every_check_of_another_tool_has_a_home_that_is_collected(tool: str, external: dict[str, Any]) -> None:
    checks = external["checks"][tool]
    assert len(checks) == COUNTS[tool]
    homeless = {
        name: homes
        for name, homes in checks.items()
        if not homes or not all(home in REQUIREMENTS and REQUIREMENTS[home].kinds for home in homes)
    }
    assert homeless == {}


def services_of(requirement: str) -> set[str]:
    """The services that a requirement's kinds ask, views followed to what they read."""
    found = set()
    for kind in REQUIREMENTS[requirement].kinds:
        for step in (kind, *kinds().sources_of(kind)):
            found |= {operation.partition(":")[0] for operation in kinds().operations_of(step)}
    return found


PREFIX_OF = {
    "awslambda": {"lambda"}, "vpc": {"ec2"}, "ebs": {"ec2"}, "cognito": {"cognito-idp"}, "documentdb": {"docdb", "rds"},
    "emr": {"emr"}, "eventbridge": {"events"}, "kafka": {"kafka"}, "networkfirewall": {"network-firewall"},
    "opensearch": {"opensearch"}, "organizations": {"organizations"},
    "cloudwatch": {"cloudwatch", "logs", "cloudtrail"},
    "config": {"config"}, "neptune": {"neptune", "rds"}, "directoryservice": {"ds"}, "macie": {"macie2"},
    "inspector2": {"inspector2"}, "apigateway": {"apigateway"}, "apigatewayv2": {"apigatewayv2"}, "elb": {"elb"},
    "elbv2": {"elbv2"}, "stepfunctions": {"stepfunctions"}, "wafv2": {"wafv2"}, "mq": {"mq"}, "account": {"account"},
    "trustedadvisor": {"support"}, "resourceexplorer2": {"resource-explorer-2"}, "autoscaling": {"autoscaling"},
}  # fmt: skip
"""Where the first word of a check's name is not the service's own name."""
ELSEWHERE = {
    "awslambda_function_invoke_api_operations_cloudtrail_logging_enabled": "a trail's selectors say what it logs",
    "bedrock_full_access_policy_attached": "what is attached to whom is IAM's to say",
    "dynamodb_accelerator_cluster_in_transit_encryption_enabled": "the accelerator is a service of its own, dax",
    "waf_global_webacl_logging_enabled": "WAF Classic has ended; web ACLs are asked of wafv2, the global ones too",
}
"""Checks whose requirement answers them by another service, with the reason."""


def test_the_home_of_a_check_asks_the_service_that_the_check_looks_at(external: dict[str, Any]) -> None:
    strangers = {}
    for name, homes in external["checks"]["prowler"].items():
        first = name.partition("_")[0]
        wanted = PREFIX_OF.get(first, {first})
        if name not in ELSEWHERE and not any(wanted & services_of(home) for home in homes):
            strangers[name] = (sorted(wanted), homes)
    assert strangers == {}
