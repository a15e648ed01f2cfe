"""Records from transcripts: pure, without botocore, the same in any year (DESIGN section 2).

`derive(header, calls, files)` yields the records of one unit. `files` opens the unit's other artifacts by name.
"""

from evidence_schema.records.registry import DERIVATIONS, derive, derive_view

__all__ = ["DERIVATIONS", "derive", "derive_view"]
