"""The door to the CEL engine (`common-expression-language`), without its command line.

The package imports its own command line with itself: three hundred modules of prompts and colours with what
they import, in every command of ours. An empty module stands in for it meanwhile (docs/adr/0013).
"""

from __future__ import annotations

import sys
from types import ModuleType

_COMMAND_LINE = "cel.cli"

if _COMMAND_LINE in sys.modules:
    import cel
else:
    sys.modules[_COMMAND_LINE] = ModuleType(_COMMAND_LINE)
    import cel

    del sys.modules[_COMMAND_LINE]

__all__ = ["cel"]
