"""The nightly flow: verify the whole vault by the pinned policy, and fail aloud where it does not hold."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.artifacts import create_table_artifact

from flows.errors import SealedDiffers
from flows.settings import config_path, load_settings
from flows.steps.runtime import pinned_policy
from flows.steps.verifying import verify_store


@flow(name="verify vault", persist_result=False)
def verify_vault(config: str | None = None) -> dict[str, Any]:
    """Verify every version of every object; raises where the verdict is not sound, so that the flow run fails."""
    located = load_settings(config_path(config))
    report = verify_store(located, pinned_policy(located))
    rows = [
        {"property": str(name), "verdict": str(verdict), "reason": reason}
        for name, (verdict, reason) in report.verdicts.items()
    ]
    create_table_artifact(table=rows, key="evidence-verification", description=f"{len(report.problems)} problems")
    if report.exit_code:
        first = f", first {report.problems[0].type} {report.problems[0].key}" if report.problems else ""
        raise SealedDiffers(
            f"expected a sound vault, found {len(report.problems)} problems{first}; run `evidence verify` for all"
        )
    return {"tree_size": report.tree_size, "root": report.root, "exit_code": report.exit_code}
