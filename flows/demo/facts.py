"""What the simulated organisation supplies beside its account: facts that no account can give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from controls.documents import load_yaml

_FILE = Path(__file__).with_name("facts.yaml")
_SIGNED = {"approved_by": "SIMULATED security officer", "as_of": "2026-01-01T00:00:00Z"}


def supplied_facts() -> dict[str, dict[str, Any]]:
    """Fact name -> value with who approved it and when, as the settings hold them."""
    return {name: {"value": value, **_SIGNED} for name, value in load_yaml(_FILE).data.items()}
