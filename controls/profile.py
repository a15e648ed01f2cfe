"""What the organisation is in the eyes of each framework, and which controls therefore do not bind it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from controls.models import Control
from evidence_schema.models.base import Frozen, UtcTime
from evidence_schema.models.names import FrameworkId

HipaaRole = Literal[
    "covered_entity", "hybrid_entity", "business_associate", "group_health_plan", "clearinghouse",
    "clearinghouse_in_larger_organisation",
]  # fmt: skip
GdprRole = Literal["controller", "processor"]
Category = Literal["availability", "confidentiality", "processing_integrity", "privacy"]
"""The SOC 2 categories that a report may cover besides security, whose common criteria are always in it."""

_ALSO = {
    "hybrid_entity": ("covered_entity",),
    "group_health_plan": ("covered_entity",),
    "clearinghouse": ("covered_entity",),
    "clearinghouse_in_larger_organisation": ("covered_entity",),
}
"""Roles that are covered entities as well: 45 CFR 160.103 (health plans, clearinghouses), 164.105 (hybrid entities)."""


class Profile(Frozen):
    """The organisation's roles and categories, as a person signed them (EV-GOV-12).

    What is left out is not stated: every control of that framework then stays in scope.
    """

    hipaa: tuple[HipaaRole, ...] = ()
    gdpr: tuple[GdprRole, ...] = ()
    soc2: tuple[Category, ...] | None = None
    approved_by: str = Field(min_length=1, max_length=120)
    """A role, not a name: it is sealed with each run."""
    as_of: UtcTime

    def states(self, framework: FrameworkId) -> bool:
        """Whether anything is said of the framework."""
        return self.soc2 is not None if framework == "soc2" else bool(self._roles(framework))

    def excludes(self, framework: FrameworkId, control: Control) -> str:
        """Why the control does not bind the organisation; empty where it does, or where nothing is stated."""
        if framework == "soc2":
            return self._excluded_category(control)
        roles = self._roles(framework)
        if not roles or set(roles) & set(control.applies_to):
            return ""
        return (
            f"binds {_words(control.applies_to)}; the organisation is {_words(self._stated(framework))}{self._source}"
        )

    def _excluded_category(self, control: Control) -> str:
        if self.soc2 is None or control.common_criteria or control.category in (None, "security", *self.soc2):
            return ""
        return f"category {_words([str(control.category)])} is not in the report's scope{self._source}"

    def _roles(self, framework: FrameworkId) -> tuple[str, ...]:
        stated = self._stated(framework)
        return (*stated, *(more for role in stated for more in _ALSO.get(role, ())))

    def _stated(self, framework: FrameworkId) -> tuple[str, ...]:
        return {"hipaa": self.hipaa, "gdpr": self.gdpr}.get(framework, ())

    @property
    def _source(self) -> str:
        return f" (approved by {self.approved_by}, {self.as_of:%Y-%m-%d})"


def exclusion(profile: Profile | None, framework: FrameworkId, control: Control) -> str:
    """Why a control is not applicable; empty where it is, or where the organisation has not stated its roles."""
    return "" if profile is None else profile.excludes(framework, control)


def _words(names: tuple[str, ...] | list[str]) -> str:
    return " or ".join(name.replace("_", " ") for name in names)
