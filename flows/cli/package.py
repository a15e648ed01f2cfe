"""`evidence package`: what an auditor takes along, and `evidence unseal`, for who may see more."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli.options import Accounts, Config, Frameworks, Json, Requirements, Since, Until


def package(
    run: Annotated[
        list[str] | None,
        typer.Option("--run", help="A run id or slot; may be repeated [default: the newest judged run]"),
    ] = None,
    framework: Frameworks = None,
    requirement: Requirements = None,
    account: Accounts = None,
    since: Since = None,
    until: Until = None,
    out: Annotated[
        str | None, typer.Option("--out", "-o", help="NAME.zip, or a new folder [default: packages/<name>.zip]")
    ] = None,
    unmasked: Annotated[
        bool, typer.Option("--unmasked", help="Add the personal data, encrypted to --recipient; needs --reason")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why it must be unmasked; kept beside the package")] = "",
    recipient: Annotated[str | None, typer.Option("--recipient", help="One of the settings' recipients")] = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Write a package (a BagIt bag): artifacts of the scope, personal data masked, and all that proves them offline.

    The export is logged before a byte leaves. `evidence verify PACKAGE --trust trust-policy.json` checks it anywhere.
    Exit 0 complete, 1 partial (what could not be read is listed), 3 failed.
    """
    from pathlib import Path

    from evidence_schema.models.names import PackageStatus
    from flows.cli.console import print_json, read_moment, say
    from flows.errors import UsageError
    from flows.settings import config_path
    from flows.steps.packaging import PackageRequest, make_package
    from flows.steps.runtime import open_runtime

    if not unmasked and (reason or recipient):
        raise UsageError("expected --reason and --recipient with --unmasked only, found one of them without it")
    request = PackageRequest(
        frameworks=tuple(framework or ()),
        requirements=tuple(requirement or ()),
        accounts=tuple(account or ()),
        runs=tuple(run or ()),
        since=read_moment(since),
        until=read_moment(until),
        unmasked=unmasked,
        reason=reason,
        recipient=recipient,
    )
    made = make_package(open_runtime(config_path(config)), request, Path(out) if out else None)
    scope = made.scope
    if json:
        print_json(
            {
                "path": str(made.written.path),
                "status": scope.status.value,
                "files": made.written.files,
                "bytes": made.written.bytes,
                "tagmanifest": str(made.written.bag),
                "scope": str(made.statement),
                "entry": made.seq,
                "runs": [item.run_id for item in scope.runs],
                "requirements": len(scope.requirements),
                "omitted": made.omitted,
                "recipient": scope.recipient,
            }
        )
    else:
        left = ", ".join(f"{count} {why}" for why, count in made.omitted.items()) or "nothing"
        say(f"{made.written.path}\n{scope.status.value}: {made.written.files} files, {made.written.bytes} bytes")
        say(f"left out: {left} (data/omitted.jsonl)\nlogged as entry {made.seq}, scope {made.statement}")
    codes = {PackageStatus.COMPLETE: 0, PackageStatus.PARTIAL: 1, PackageStatus.FAILED: 3}
    raise typer.Exit(codes[scope.status])


def unseal(
    place: Annotated[str, typer.Argument(help="A package with a sealed part")],
    key: Annotated[str, typer.Option("--key", help="Your X25519 private key (PEM)")],
    out: Annotated[str, typer.Option("--out", "-o", help="A new folder for what was sealed")],
) -> None:
    """Open the sealed part of a package with the recipient's own key; each artifact is checked against its name.

    The names are the digests that the rows of the package's manifest carry. A passphrase comes from
    EVIDENCE_KEY_PASSPHRASE.
    """
    from pathlib import Path

    from flows.cli.console import say
    from flows.cli.files import read_file
    from flows.steps.unsealing import unseal_package

    count = unseal_package(Path(place), read_file(key), Path(out))
    say(f"{count} artifacts in {out}, each with the bytes that its name says")
    raise typer.Exit(0)
