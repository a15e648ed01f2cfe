"""`make tamper`: how many of so many mutations pass unnoticed, by attacker and by what the auditor knows.

    python tests/tamper [--mutations 20000] [--seed N] [--workers N]

Prints a table and the undetected by operation; fails where something is undetected that must not be. With the same seed
it makes the same mutations, however many workers there are.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator

from measuring import (
    INSIDER,
    MIDDLE,
    NEWEST,
    NO_ANCHOR,
    OPERATIONS,
    OUTSIDER,
    OWN_ROTATION,
    ROTATED,
    STAMPED,
    Figures,
    World,
    look_at_sound,
    make_world,
    measure,
)
from remembering import Memory, remembering

SEED = "20261101"
A_PIECE = 40
"""Mutations that a worker makes at a time."""
_shared: tuple[World, Memory] | None = None
"""What workers take over when they are forked: the sound logs, and what was found out about them."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python tests/tamper")
    parser.add_argument("--mutations", type=int, default=20_000, help="of each attacker, with each knowledge")
    parser.add_argument("--seed", default=os.environ.get("TAMPER_SEED", SEED))
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    began = time.monotonic()
    figures, world = measured(given.mutations, given.seed, given.workers)
    print(f"seed {given.seed}; {time.monotonic() - began:.0f} s with {given.workers} workers\n")
    return report(figures, world)


def measured(mutations: int, seed: str, workers: int) -> tuple[Figures, World]:
    """All figures, by so many processes."""
    global _shared  # noqa: PLW0603 (a forked process has no other way to get what cannot be pickled)
    world, figures = make_world(), Figures()
    pieces = list(_pieces(mutations, seed))
    with remembering() as memory:
        look_at_sound(world, memory)
        _shared = world, memory
        with multiprocessing.get_context("fork").Pool(workers) as pool:
            for number, found in enumerate(pool.imap_unordered(_piece, pieces), 1):
                figures.add(found)
                if number % 50 == 0:
                    print(f"{number} of {len(pieces)} pieces", file=sys.stderr, flush=True)
    return figures, world


def _pieces(mutations: int, seed: str) -> Iterator[tuple[str, str, int, str]]:
    for attacker, operations in OPERATIONS.items():
        of_each = -(-mutations // len(operations))
        for operation in operations:
            for first in range(0, of_each, A_PIECE):
                yield attacker, operation, min(A_PIECE, of_each - first), f"{seed} {first}"


def _piece(piece: tuple[str, str, int, str]) -> Figures:
    assert _shared is not None
    return measure(*_shared, *piece)


def report(figures: Figures, world: World) -> int:
    """Print them; 1 where the verifier let pass what it must see."""
    levels = [level.name for level in world.levels]
    heads = ("tried", "undetected", "of it noted", "exit 4", "crashes")
    print(f"{'attacker':<10}{'auditor has':<16}" + "".join(f"{head:>13}" for head in heads))
    for attacker in OPERATIONS:
        for level in levels:
            names = ("tried", "undetected", "noted", "as_tampered", "crashed")
            counts = "".join(f"{figures.sum(name, attacker, level):>13}" for name in names)
            print(f"{attacker:<10}{level:<16}{counts}")
    for attacker in OPERATIONS:
        print(f"\n{attacker}: {len(figures.distinct[attacker])} different logs; undetected by operation:")
        for level in levels:
            found = figures.by_operation("undetected", attacker, level)
            print(f"  {level}: " + (", ".join(f"{name} {count}" for name, count in sorted(found.items())) or "none"))
            if spare := figures.sum("tokens_only", attacker, level):
                print(f"    {spare} of these: tokens that are not needed, or bytes of one that no signature covers")
    fewest = min(figures.tried.values())
    print(f"\nof each operation with each knowledge: {fewest} at least")
    faults = list(faults_of(figures, levels)) + figures.crashes[:5]
    print("\n".join(f"NOT AS IT MUST BE: {fault}" for fault in faults))
    return 1 if faults else 0


def faults_of(figures: Figures, levels: list[str]) -> Iterator[str]:
    """What must hold, whatever the counts."""
    for attacker in OPERATIONS:
        if undetected := figures.sum("undetected", attacker, NEWEST):
            yield f"{undetected} of the {attacker} undetected with the newest anchor"
        for level in levels:
            if covered := figures.sum("covered", attacker, level):
                yield f"{covered} of the {attacker} undetected with {level}, which covers them"
    if found := sum(figures.by_operation("undetected", INSIDER, level).get(OWN_ROTATION, 0) for level in levels):
        yield f"{found} rotations to the insider's own key undetected"
    for level in (NO_ANCHOR, MIDDLE, STAMPED, ROTATED):
        spare = figures.by_operation("tokens_only", OUTSIDER, level)
        found = figures.by_operation("undetected", OUTSIDER, level)
        if others := {name for name, count in found.items() if count > spare.get(name, 0)} - {"drop newest"}:
            yield f"the outsider is undetected with {level} in {', '.join(sorted(others))}"
    if not figures.sum("undetected", INSIDER, NO_ANCHOR):
        yield "the insider is always detected without an anchor: then he does less than he can"


if __name__ == "__main__":
    sys.exit(main())
