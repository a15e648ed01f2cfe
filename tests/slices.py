"""Catalogues of a few requirements, for tests that need a run and not its breadth: the installed one, cut."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from functools import cache
from pathlib import Path

from controls.catalog import HERE, installed
from controls.documents import dump_yaml, load_yaml
from controls.models import Catalog

EIGHT = (
    "EV-IAM-01", "EV-LOG-01", "EV-LOG-06", "EV-ENC-01", "EV-ENC-02", "EV-NET-01", "EV-BKP-01", "EV-BKP-02",
)  # fmt: skip
"""Every sort of evidence: configuration snapshots, a polled report, log files, backup jobs, derived kinds and views."""
FIVE = ("EV-IAM-01", "EV-LOG-01", "EV-LOG-06", "EV-ENC-01", "EV-BKP-02")
"""Calls of every sort that can fail: polled, paged, asked for each item, built on others."""
FOUR = ("EV-IAM-01", "EV-ENC-01", "EV-BKP-01", "EV-BKP-02")
"""The same steps, in half of the time."""
THREE = ("EV-IAM-01", "EV-ENC-01", "EV-NET-01")
"""People, disks and networks: snapshots only."""


@cache
def eight() -> Catalog:
    """The catalogue of the eight requirements: few enough to be planned and judged hundreds of times."""
    whole = installed()
    return whole.model_copy(update={"requirements": tuple(item for item in whole.requirements if item.id in EIGHT)})


def sliced_catalogue(folder: Path, requirements: Collection[str]) -> Path:
    """Write a catalogue with all frameworks and facts, and these requirements; returns its folder."""
    shutil.copytree(HERE / "frameworks", folder / "frameworks")
    shutil.copy(HERE / "facts.yaml", folder)
    (folder / "evidence").mkdir()
    for path in (HERE / "evidence").glob("*.yaml"):
        kept = [item for item in load_yaml(path).data["requirements"] if item["id"] in requirements]
        if kept:
            (folder / "evidence" / path.name).write_text(dump_yaml({"requirements": kept}), encoding="utf-8")
    return folder
