"""What a workbook's file is called: framework, period and run, no spaces, never a person's name."""

from __future__ import annotations

from controls.assessment import Assessment
from flows.report.words import period_label


def workbook_name(assessment: Assessment) -> str:
    """For example `SIMULATED_HIPAA_2026-11_run-20261101T060000Z-1a2b3c4d.xlsx`."""
    return f"{workbook_id(assessment)}.xlsx"


def workbook_id(assessment: Assessment) -> str:
    """The name without its ending: what a workpaper cites."""
    header = assessment.header
    parts = [header.framework.id.upper(), period_label(header.period), header.run_id]
    return "_".join(["SIMULATED", *parts] if header.simulated else parts)
