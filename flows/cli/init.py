"""`evidence init`: settings, keys and the trust policy for the auditor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.options import Config, Json

if TYPE_CHECKING:
    from flows.steps.founding import NamedAuthority


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
    data_keys: Annotated[
        str | None,
        typer.Option(help="s3://bucket for wrapped data keys, without versions [default: a folder in --keys]"),
    ] = None,
    framework: Annotated[list[str] | None, typer.Option(help="In scope; may be repeated [default: all]")] = None,
    hipaa_role: Annotated[
        list[str] | None, typer.Option(help="covered_entity, business_associate ...; may be repeated")
    ] = None,
    gdpr_role: Annotated[list[str] | None, typer.Option(help="controller, processor; may be repeated")] = None,
    soc2_category: Annotated[
        list[str] | None, typer.Option(help="Besides security: availability, privacy ...; may be repeated")
    ] = None,
    approved_by: Annotated[str, typer.Option(help="The role (not a name) that signed roles and categories")] = "",
    required_tag: Annotated[
        list[str] | None, typer.Option(help="A tag key that each resource must carry; may be repeated")
    ] = None,
    timestamp: Annotated[
        list[str] | None,
        typer.Option(metavar="ID=URL=ROOTS.pem", help="A time-stamp authority (RFC 3161); may be repeated"),
    ] = None,
    signer: Annotated[
        str | None,
        typer.Option(
            metavar="awskms:ARN",
            help="A signing key in AWS KMS, Ed25519 or, where KMS refuses that, P-256 [default: a new file in --keys]",
        ),
    ] = None,
    simulated: Annotated[bool, typer.Option("--simulated", help="Mark everything as SIMULATED")] = False,
    json: Json = False,
) -> None:
    """Write evidence.yaml, a signing key (0600; sealed with $EVIDENCE_KEY_PASSPHRASE where it is set), a pseudonym key,
    a key encryption key with a place for data keys, and trust-policy.json, which the auditor pins. With --signer a key
    in KMS signs, with $EVIDENCE_SIGNER_ACCESS_KEY_ID and its like where they are set. Nothing that exists is written
    over. Keep a copy of the key encryption key: without it, personal evidence can never be read again.

    On a terminal it asks for the organisation's roles, SOC 2 categories and tags where they are not given: a control
    that does not bind the organisation is then not applicable, with that reason.
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
            data_keys=data_keys,
            simulated=simulated,
            profile=_profile(hipaa_role, gdpr_role, soc2_category, approved_by),
            required_tags=tuple(
                _asked(required_tag, "Tag keys that each resource must carry, such as data-class, owner")
            ),
            timestamps=tuple(_authority(text) for text in timestamp or ()),
            signer=signer,
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


def _authority(text: str) -> NamedAuthority:
    from pathlib import Path

    from flows.errors import UsageError
    from flows.steps.founding import NamedAuthority

    id_, _, rest = text.partition("=")
    url, _, roots = rest.rpartition("=")
    if not (id_ and url and roots):
        raise UsageError(f"expected --timestamp ID=URL=ROOTS.pem, found {text!r}")
    return NamedAuthority(id_, url, Path(roots))


def _profile(
    hipaa: list[str] | None, gdpr: list[str] | None, categories: list[str] | None, approved_by: str
) -> dict[str, Any] | None:
    """What was stated of the organisation; None where nothing was."""
    from flows.errors import UsageError
    from flows.vault.vault import utc_now

    more = "SOC 2 categories besides security: availability, confidentiality, processing_integrity, privacy"
    stated = {
        "hipaa": _asked(hipaa, "HIPAA roles: covered_entity, hybrid_entity, business_associate, group_health_plan ..."),
        "gdpr": _asked(gdpr, "GDPR roles: controller, processor"),
        "soc2": _asked(categories, more),
    }
    stated = {framework: names for framework, names in stated.items() if names}
    if not stated:
        return None
    approver = approved_by or "".join(_asked(None, "Who signed this (a role, not a name)"))
    if not approver:
        raise UsageError("expected --approved-by with roles and categories: the role that signed them, found none")
    return {**stated, "approved_by": approver, "as_of": utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")}


def _asked(given: list[str] | None, question: str) -> list[str]:
    """What was given, else what a person at a terminal answers; nothing where nobody can be asked."""
    import sys

    if given is not None or not sys.stdin.isatty():
        return given or []
    answer: str = typer.prompt(f"{question} (comma between; empty: not stated)", default="", show_default=False)
    return [part.strip() for part in answer.split(",") if part.strip()]
