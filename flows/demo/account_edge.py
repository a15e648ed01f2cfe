"""Distributions of the emulated account, and the buckets that take the logs of what stands at the edge."""

from __future__ import annotations

from typing import Any

from flows.demo.filling import HOME_REGION, Filler, tag_list

EDGE_LOGS = "simulated-edge-logs"
UNPROTECTED = "simulated-logs-unprotected"
_WEB_ACL = "arn:aws:wafv2:us-east-1:{account}:global/webacl/simulated-site/11111111-0000-4000-8000-000000000003"


def fill_edge(filler: Filler) -> None:
    """A distribution as it should be, one that serves in clear, and buckets for logs: two protected, one not."""
    with filler.days_ago(350):
        for name in (EDGE_LOGS, "aws-waf-logs-simulated", UNPROTECTED):
            _add_bucket(filler, filler.bucket(name), protected=name != UNPROTECTED)
        _add_distribution(filler, "site", good=True)
        _add_distribution(filler, "old-site-in-clear", good=False)


def _add_bucket(filler: Filler, name: str, *, protected: bool) -> None:
    s3 = filler.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": HOME_REGION})
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tag_list()})
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    if protected:
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def _add_distribution(filler: Filler, name: str, *, good: bool) -> None:
    origin: dict[str, Any] = {
        "Id": "web",
        "DomainName": f"{name}.simulated.example.org",
        "CustomOriginConfig": {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": "https-only" if good else "http-only",
            "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
        },
    }
    logging = {"Enabled": good, "IncludeCookies": False, "Prefix": "", "Bucket": ""}
    certificate: dict[str, Any] = {"CloudFrontDefaultCertificate": True, "MinimumProtocolVersion": "TLSv1"}
    if good:
        logging["Bucket"] = f"{filler.bucket(EDGE_LOGS)}.s3.amazonaws.com"
        certificate = {
            "ACMCertificateArn": filler.arn("acm", "us-east-1", "certificate/5c5c5c5c-0000-4000-8000-000000000001"),
            "SSLSupportMethod": "sni-only",
            "MinimumProtocolVersion": "TLSv1.2_2021",
        }
    filler.client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": f"simulated-{name}",
            "Comment": f"SIMULATED {name}",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": {
                "TargetOriginId": "web",
                "ViewerProtocolPolicy": "redirect-to-https" if good else "allow-all",
                "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
                "MinTTL": 0,
            },
            "Logging": logging,
            "ViewerCertificate": certificate,
            "WebACLId": _WEB_ACL.format(account=filler.account) if good else "",
        }
    )
