"""`evidence init`: settings, keys and the trust policy for the auditor."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli.options import Config, Json


def init(
    config: Config = None,
    organisation: Annotated[str, typer.Option(prompt=True, help="The organisation's name")] = "",
    log: Annotated[str, typer.Option(prompt="Name of the log (lower case, digits, dashes)", help="Names the log")] = "",
    account: Annotated[
        list[str] | None, typer.Option(help="An AWS account id, or ID=ROLE_ARN; may be repeated")
    ] = None,
    region: Annotated[list[str] | None, typer.Option(help="An AWS region in scope; may be repeated")] = None,
    vault: Annotated[str, typer.Option(help="s3://bucket, or a folder for trials")] = "vault",
    endpoint: Annotated[str | None, typer.Option(help="The vault's S3 endpoint, where it is not AWS")] = None,
    keys: Annotated[str | None, typer.Option(help="Folder for the keys [default: ~/.config/evidence/LOG]")] = None,
    framework: Annotated[list[str] | None, typer.Option(help="In scope; may be repeated [default: all]")] = None,
    simulated: Annotated[bool, typer.Option("--simulated", help="Mark everything as SIMULATED")] = False,
    json: Json = False,
) -> None:
    """Write evidence.yaml, a signing key (0600; sealed with $EVIDENCE_KEY_PASSPHRASE where it is set), a pseudonym key
    and trust-policy.json, which the auditor pins. Nothing that exists is written over.
    """
    from pathlib import Path

    from flows.cli.console import print_json, say
    from flows.settings import config_path
    from flows.steps.founding import Founding, found

    founded = found(
        Founding(
            config=config_path(config),
            organisation=organisation,
            log=log,
            accounts=tuple(account or ()),
            regions=tuple(region or ()),
            vault=vault,
            endpoint=endpoint,
            keys=Path(keys) if keys else Path.home() / ".config" / "evidence" / log,
            frameworks=tuple(framework or ()),
            simulated=simulated,
        )
    )
    if json:
        written = {what: str(path) for what, path in founded.written.items()}
        print_json({"written": written, "fingerprint": str(founded.fingerprint)})
        return
    for what, path in founded.written.items():
        say(f"{what:<13} {path}")
    say(f"fingerprint   {founded.fingerprint}")
    say("Give trust-policy.json and the fingerprint to your auditor. Next: evidence doctor")
