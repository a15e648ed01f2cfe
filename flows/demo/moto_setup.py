"""Makes moto ours before it is loaded: the account's number, a clock that can be set, an engine that it lacks.

moto takes the time from one function, which each of its modules imports by name. So the function is exchanged here,
before any of those modules exists, and resources can be made that look years old. `prepare` must run first; whoever
needs moto's own objects asks `moto_models`, so that nothing of moto is loaded by importing a module of ours.
"""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

ACCOUNT_ID = "111122223333"  # AWS's own example number: no real account has it


class Clock:
    """The time in the emulated account: the real one, until it is set."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at: datetime | None = None

    def set(self, at: datetime | None) -> None:
        """Stand still at this moment; None: run with the real time."""
        with self._lock:
            self._at = at

    def now(self) -> datetime:
        with self._lock:
            return self._at or datetime.now(UTC)

    def naive_now(self) -> datetime:
        """As moto writes times: UTC, unsaid."""
        return self.now().replace(tzinfo=None)


CLOCK = Clock()


def prepare() -> None:
    """Call once, in a process of its own, before anything of moto is imported."""
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # else 1,300 stray snapshots belong to the account
    os.environ.pop("MOTO_ACCOUNT_ID", None)  # it would bind assumed roles of other accounts to this one
    for module in (import_module("moto.core"), import_module("moto.core.models")):
        module.DEFAULT_ACCOUNT_ID = ACCOUNT_ID  # type: ignore[attr-defined]
    import_module("moto.core.utils").utcnow = CLOCK.naive_now  # type: ignore[attr-defined]
    _share_loader()
    _keep_real_time_for_tokens()
    _admit_docdb()
    _let_bucket_policies_be()
    _admit_aws_policies()


def moto_models(service: str) -> Any:
    """The module of moto that holds the state of this service."""
    return import_module(f"moto.{service}.models")


def account_of(access_key: str) -> str:
    """The account whose key this is; ours for every key that was not handed out here."""
    return str(moto_models("iam").get_account_id_from(access_key))


def _share_loader() -> None:
    """One loader of service models for all: botocore would make one a session, moto one a service, each to read anew
    what the others have read. Moto's own adds to what botocore's says.
    """
    loader = import_module("moto.core.loaders").create_loader()
    for module in (import_module("botocore.loaders"), import_module("moto.core.utils")):
        module.create_loader = lambda *_: loader  # type: ignore[attr-defined]


def _keep_real_time_for_tokens() -> None:
    """Sessions must not expire because the account's clock was set to last year."""
    moto_models("sts").utcnow = lambda: datetime.now(UTC).replace(tzinfo=None)


def _admit_docdb() -> None:
    """DocumentDB clusters live behind the operations of RDS, but moto refuses the engine's name.

    It has no defaults for it either: whoever creates one says version, port and storage.
    """
    engines = import_module("moto.rds.utils").ClusterEngine
    known = [*engines.list_cluster_engines(), "docdb"]
    engines.list_cluster_engines = lambda: known


def _admit_aws_policies() -> None:
    """Of AWS's own policies only those that the account uses: moto takes seconds to load all thousand."""
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    statements = {
        "AdministratorAccess": {"Effect": "Allow", "Action": "*", "Resource": "*"},
        "AWSSupportAccess": {"Effect": "Allow", "Action": ["support:*"], "Resource": "*"},
        "ReadOnlyAccess": {"Effect": "Allow", "Action": ["ec2:Describe*", "s3:List*"], "Resource": "*"},
    }
    policies = {
        name: {
            "Arn": f"arn:aws:iam::aws:policy/{name}",
            "CreateDate": "2015-02-06T18:39:46+00:00",
            "DefaultVersionId": "v1",
            "Document": {"Version": "2012-10-17", "Statement": [statement]},
            "Path": "/",
            "UpdateDate": "2015-02-06T18:39:46+00:00",
        }
        for name, statement in statements.items()
    }
    moto_models("iam").aws_managed_policies_data = json.dumps(policies)


def _let_bucket_policies_be() -> None:
    """A Deny with a condition (only over TLS) is one without to moto: nobody could read or write such a bucket."""
    neutral = import_module("moto.iam.access_control").PermissionResult.NEUTRAL
    moto_models("s3").FakeBucket.get_permission = lambda *_: neutral
