"""Fields of AWS answers that hold secrets in clear: cut out whatever kind asks, besides what a kind declares."""

from __future__ import annotations

from types import MappingProxyType

SECRET_FIELDS = MappingProxyType(
    {
        "apigateway:GetStages": ("variables",),
        "autoscaling:DescribeLaunchConfigurations": ("UserData",),
        "cloudformation:DescribeStacks": ("Parameters", "Outputs"),
        "cloudfront:GetDistributionConfig": ("CustomHeaders",),
        "cloudfront:ListDistributions": ("CustomHeaders",),
        "codebuild:BatchGetProjects": ("environmentVariables",),
        "cognito-idp:DescribeUserPoolClient": ("ClientSecret",),
        "dms:DescribeEndpoints": ("Username",),
        "ec2:DescribeInstanceAttribute": ("UserData",),
        "ec2:DescribeLaunchTemplateVersions": ("UserData",),
        "ec2:DescribeVpnConnections": ("PreSharedKey", "CustomerGatewayConfiguration"),
        "ecs:DescribeTaskDefinition": ("environment",),
        "elasticbeanstalk:DescribeConfigurationSettings": ("OptionSettings",),
        "events:ListTargetsByRule": ("Input",),
        "glue:GetJobs": ("DefaultArguments",),
        "lambda:GetFunctionConfiguration": ("Environment.Variables",),
        "lambda:ListFunctions": ("Environment.Variables",),
        "lambda:ListVersionsByFunction": ("Environment.Variables",),
        "stepfunctions:DescribeStateMachine": ("definition",),
    }
)
