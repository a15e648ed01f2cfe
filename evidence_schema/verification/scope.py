"""What must lie in the place that is examined: in a vault everything, in a package what its scope promises."""

from __future__ import annotations

from dataclasses import dataclass, field

from evidence_schema.digest import Digest
from evidence_schema.models.entry import Export, Heartbeat, Predicate, RunAbandoned, ScheduleChange
from evidence_schema.models.package import PackageScope
from evidence_schema.models.receipt import Receipt

ENCRYPTED = "encrypted "
"""How the name of a ciphertext that an entry names begins."""


@dataclass(frozen=True)
class Scope:
    """Without a statement everything is promised. `statement` is the digest of the package's own."""

    promised: PackageScope | None = None
    statement: Digest | None = None
    _findings: dict[str, bool] = field(init=False)

    def __post_init__(self) -> None:
        runs = self.promised.runs if self.promised else ()
        object.__setattr__(self, "_findings", {run.run_id: run.findings for run in runs})

    def has_run(self, run_id: str) -> bool:
        """Whether manifest, plan, catalogue, settings and outcomes of a run are in."""
        return self.promised is None or run_id in self._findings

    def has_findings(self, run_id: str) -> bool:
        """Whether its sealed findings are in."""
        return self.promised is None or self._findings.get(run_id, False)

    def has_artifacts(self, receipt: Receipt) -> bool:
        """Whether the artifacts of a row are in."""
        scope = self.promised
        if scope is None:
            return True
        return (
            receipt.run_id in self._findings
            and receipt.unit.kind not in scope.withheld
            and receipt.unit.account in scope.accounts
            and not set(scope.requirements).isdisjoint(receipt.requirements)
        )

    def has_named(self, predicate: Predicate, what: str) -> bool:
        """Whether a blob that an entry names is in."""
        if self.promised is None or isinstance(predicate, RunAbandoned | Heartbeat | ScheduleChange):
            return True
        if what.startswith(ENCRYPTED):  # whoever may open it gets it in the sealed part
            return False
        if isinstance(predicate, Export):
            return predicate.digest == self.statement or predicate.digest in self.promised.workbooks
        return self.has_findings(predicate.run_id) if what == "findings" else self.has_run(predicate.run_id)


VAULT = Scope()
