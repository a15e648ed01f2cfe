"""Step 8: findings and outcomes rest on what their run sealed: its manifest, catalogue, plan, settings and time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from evidence_schema.models.entry import Judged, RunClose
from evidence_schema.models.finding import FindingsHeader, Outcomes
from evidence_schema.models.unit import Plan
from evidence_schema.verification.plans import MAX_SEALED, Place
from evidence_schema.verification.reading import Misshapen, parsed
from evidence_schema.verification.runs import Run

MAX_FINDING = 1024 * 1024


def check_judgements(place: Place, runs: Iterable[Run], plans: Mapping[str, Plan]) -> None:
    """Every judgement of a closed run."""
    for run in runs:
        for _, judged in run.judged:
            if run.closed is not None:
                _check_findings(place, run, run.closed, judged)
                _check_outcomes(place, run, judged, plans.get(run.opened.run_id))


def _check_findings(place: Place, run: Run, closed: RunClose, judged: Judged) -> None:
    key, opened = place.layout.blob(judged.findings), run.opened
    line = place.sealed.first_line(judged.findings, "findings-malformed", MAX_FINDING)
    if line is None:
        if place.claims.exists(judged.findings):
            place.problems.add("findings-malformed", key, "a header line", "none")
        return
    try:
        header = parsed(FindingsHeader, line)
    except Misshapen as error:
        place.problems.add("findings-malformed", key, "the header of findings", error)
        return
    place.problems.compare(
        "findings-differ",
        key,
        ("run", opened.run_id, header.run_id),
        ("evaluation time", opened.at, header.at),
        ("engine", judged.engine, header.engine),
        ("manifest", closed.manifest, header.manifest),
        ("catalogue", opened.catalogue, header.catalogue),
        ("plan", opened.plan, header.plan),
        ("settings", opened.settings, header.settings),
    )


def _check_outcomes(place: Place, run: Run, judged: Judged, plan: Plan | None) -> None:
    key, opened = place.layout.blob(judged.outcomes), run.opened
    outcomes = place.sealed.read(Outcomes, judged.outcomes, "outcomes-malformed", MAX_SEALED)
    if outcomes is None:
        return
    place.problems.compare(
        "outcomes-differ",
        key,
        ("run", opened.run_id, outcomes.run_id),
        ("evaluation time", opened.at, outcomes.at),
        ("findings", judged.findings, outcomes.findings),
    )
    judged_requirements = [outcome.requirement for outcome in outcomes.requirements]
    if judged_requirements != sorted(set(judged_requirements)):
        place.problems.add("outcomes-differ", key, "each requirement once, in id order", "another order")
    for requirement in sorted(set(plan.requirements if plan else ()) - set(judged_requirements)):
        place.problems.add("outcome-missing", key, f"an outcome of {requirement}", "none")
