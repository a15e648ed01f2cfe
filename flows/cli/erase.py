"""`evidence erase`: destroy the data keys of personal artifacts. Nobody can undo it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Accounts, Config, Json, Kinds, Regions, Since, Until

if TYPE_CHECKING:
    from evidence_schema.digest import Digest
    from flows.steps.erasing import Decision


def erase(
    run: Annotated[str | None, typer.Option("--run", help="A run id or slot")] = None,
    artifact: Annotated[
        list[str] | None,
        typer.Option(help="sha256:... of a stored artifact, as the workbook names it; may be repeated"),
    ] = None,
    kind: Kinds = None,
    account: Accounts = None,
    region: Regions = None,
    since: Since = None,
    until: Until = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="All personal artifacts of --run, and the facts it was judged by")
    ] = False,
    ground: Annotated[
        str, typer.Option(help="art17-1-a to -f, retention-ended, contract-ended, court-order, collected-in-error")
    ] = "",
    approver_role: Annotated[str, typer.Option(help="Who decided: a role such as 'privacy officer', not a name")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Destroy; without it, only what would go is shown")] = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Destroy the data keys of encrypted artifacts, with the findings and workbooks that show what stood in them, and
    write to the log what was erased, why and on whose decision. Everything else still verifies.

    Refused while a hold stands. An erasure that a crash cut short is finished by the next one of its run.
    Exit 0 erased (or shown), 1 nothing of it is there, 2 usage, 3 held, or a place keeps what is deleted.
    """
    from flows.cli.console import print_json, print_table, read_moment, say
    from flows.settings import config_path
    from flows.steps.erasing import Erased, Wanted, erasable, erase
    from flows.steps.runtime import open_runtime

    wanted = Wanted(
        run=run,
        artifacts=_digests(artifact),
        kinds=tuple(kind or ()),
        accounts=tuple(account or ()),
        regions=tuple(region or ()),
        since=read_moment(since),
        until=read_moment(until),
        everything=everything,
    )
    decision = _decision(ground, approver_role) if yes else None
    vault = open_runtime(config_path(config), writing=yes).vault
    if decision is None:
        found = [Erased(run_id, artifacts, 0) for run_id, artifacts in erasable(vault, wanted).items()]
    else:
        found = erase(vault, wanted, decision)
    rows = [
        (item.run_id, part.role, str(part.unit or "the run"), str(part.digest))
        for item in found
        for part in item.artifacts
    ]
    if json:
        columns = ("run_id", "role", "of", "digest")
        print_json({"erased": yes, "artifacts": [dict(zip(columns, row, strict=True)) for row in rows]})
    else:
        print_table("Erased" if yes else "Would be erased", ("run", "what", "of", "artifact"), rows)
        if not yes and rows:
            say("nothing was changed; give --ground, --approver-role and --yes to erase these for ever")
    raise typer.Exit(0 if rows else 1)


def _digests(texts: list[str] | None) -> tuple[Digest, ...]:
    from evidence_schema.digest import Digest

    return tuple(Digest.parse(text if text.startswith("sha256:") else f"sha256:{text}") for text in texts or ())


def _decision(ground: str, approver: str) -> Decision:
    from typing import cast, get_args

    from evidence_schema.models.disposition import Ground
    from flows.errors import UsageError
    from flows.steps.erasing import Decision

    known = get_args(Ground)
    if ground not in known:
        raise UsageError(f"expected --ground, one of {', '.join(known)}, found {ground or 'none'}")
    if not approver:
        raise UsageError("expected --approver-role, a role and not a name, found none")
    return Decision(cast(Ground, ground), approver)
