"""Every example of every domain's module."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from exampling import AUTOMATIC, DERIVED, EXAMPLES, Example

__all__ = ["AUTOMATIC", "DERIVED", "EXAMPLES", "Example"]

for path in sorted(Path(__file__).parent.glob("examples_*.py")):
    import_module(path.stem)
