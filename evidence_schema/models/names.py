"""The words that law and machine share, as types: a wrong one is refused where it enters."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

KindName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,3}$", max_length=96)]
"""For example `aws.s3.buckets`."""
RequirementId = Annotated[str, Field(pattern=r"^EV-[A-Z]{2,3}-[0-9]{2}$")]
CheckId = Annotated[str, Field(pattern=r"^EV-[A-Z]{2,3}-[0-9]{2}-C[0-9]{1,2}$")]
FrameworkId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{1,15}$")]
ControlId = Annotated[str, Field(pattern=r"^[A-Za-z0-9.()]{2,40}$")]
AccountId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
"""An AWS account id (12 digits); other systems use their own tenant id."""
RegionName = Annotated[str, Field(pattern=r"^[a-z0-9-]{2,32}$")]
"""An AWS region, or `global` for a unit that exists once per account."""
RunId = Annotated[str, Field(pattern=r"^run-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}$")]
"""Fits an STS role session name, so that CloudTrail can witness our calls."""
SlotName = Annotated[str, Field(pattern=r"^[a-z]{3,16}/[0-9a-z-]{4,32}$")]
"""For example `monthly/2026-11`, `adhoc/9f2c51d07a3e`."""
RecipientId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,47}$")]
"""An organisation that evidence is disclosed to, as the settings call it: never a person."""
LogName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{2,47}$")]
CaseId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""A ticket or incident number: never a name, never free text."""
FieldName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]

GLOBAL_REGION = "global"


class GatherResult(StrEnum):
    """What became of a unit. Never confuse these: an empty account is evidence, a denied call is not."""

    COLLECTED = "collected"
    PARTIAL = "partial"
    EMPTY = "empty"
    DENIED = "denied"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"

    @property
    def is_complete(self) -> bool:
        """All that was asked was answered, or the service says that there is nothing to ask."""
        return self in (GatherResult.COLLECTED, GatherResult.EMPTY, GatherResult.UNAVAILABLE)


class FindingResult(StrEnum):
    """The result of one check for one record."""

    PASS = "pass"  # noqa: S105 (a word of the audit, not a password)
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"
    ERROR = "error"


class Outcome(StrEnum):
    """Of an evidence requirement, strongest first (DESIGN section 2)."""

    EXCEPTION = "exception"
    NOT_COLLECTED = "not_collected"
    STALE = "stale"
    NEEDS_REVIEW = "needs_review"
    NO_EXCEPTION = "no_exception"
    NOT_APPLICABLE = "not_applicable"

    @property
    def strength(self) -> int:
        """0 is the strongest; the strongest of several wins."""
        return list(Outcome).index(self)


class Mode(StrEnum):
    """How a check is decided."""

    AUTO = "auto"
    HUMAN = "human"
    REPORT = "report"


class PackageStatus(StrEnum):
    """Whether a package holds all that its scope promises; `failed`: not even what a verifier needs."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"


class Directness(StrEnum):
    """Whether evidence by itself speaks to what a control asks."""

    DIRECT = "direct"
    SUPPORTING = "supporting"


class Trigger(StrEnum):
    """What started a run."""

    SCHEDULE = "schedule"
    AD_HOC = "ad_hoc"


class LockMode(StrEnum):
    """S3 Object Lock's modes, and what a store without a lock offers."""

    GOVERNANCE = "GOVERNANCE"
    COMPLIANCE = "COMPLIANCE"
    NONE = "NONE"
