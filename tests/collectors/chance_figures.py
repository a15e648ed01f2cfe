"""How much of what was drawn the thresholds of `flows.collectors.chance` find, and how many words they take for drawn.

    python -m tests.collectors.chance_figures

Drawn: base62 and base64 of 24 to 64 characters. Words: every run of 24 characters or more among the names, enumerations
and examples of all of botocore's service models, which is how AWS and its users name things.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows.collectors import chance

DRAWS = 20_000
_RUN = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
_BASE62 = string.ascii_letters + string.digits


def drawn(count: int = DRAWS, seed: int = 7) -> Iterator[str]:
    """Secrets by chance, of all lengths, in two alphabets."""
    source = random.Random(seed)
    for number in range(count):
        alphabet = _BASE62 if number % 2 else _BASE62 + "+/"
        yield "".join(source.choice(alphabet) for _ in range(source.randint(24, 64)))


def words(every: int = 1) -> set[str]:
    """Long names that botocore's models hold, of each so-manieth service: operations, shapes, members, enumerations."""
    import botocore
    from botocore.loaders import Loader

    loader = Loader()
    loader.search_paths.append(str(Path(botocore.__file__).parent / "data"))
    found: set[str] = set()
    for service in loader.list_available_services("service-2")[::every]:
        model = loader.load_service_model(service, "service-2")
        found.update(model["operations"])
        for name, shape in model["shapes"].items():
            found.update(_names(name, shape))
    return {run for text in found for run in _RUN.findall(text)}


def _names(name: str, shape: dict[str, Any]) -> Iterator[str]:
    yield name
    yield from shape.get("enum", ())
    yield from shape.get("members", ()) if isinstance(shape.get("members"), dict) else ()


def main() -> None:
    found, secrets = words(), list(drawn())
    print(f"{len(secrets):,} drawn, {len(found):,} long names of AWS")
    for turns in sorted({0.30, 0.35, 0.40, 0.50, chance.TURNS}):
        for ratio in sorted({0.75, 0.85, 0.90, chance.ENTROPY}):
            hits = sum(chance.is_drawn(item, turns=turns, ratio=ratio) for item in secrets)
            false = [item for item in found if chance.is_drawn(item, turns=turns, ratio=ratio)]
            here = " <- in use" if (turns, ratio) == (chance.TURNS, chance.ENTROPY) else ""
            share = f"{100 * hits / len(secrets):.2f} %"
            print(f"turns {turns:.2f}, entropy {ratio:.2f}: found {share}, names taken for drawn {len(false)}{here}")


if __name__ == "__main__":
    main()
