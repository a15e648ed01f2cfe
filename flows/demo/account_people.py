"""Who may enter the emulated account: invented users, with and without MFA, with keys new, old and forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flows.demo.filling import Filler, stamp, tag_list

ALIAS = "simulated-evidence-demo"
READER_ROLE = "simulated-evidence-reader"


@dataclass(frozen=True)
class Key:
    """An access key: made and last used so many days ago."""

    age: int
    used: int | None
    active: bool = True


@dataclass(frozen=True)
class Person:
    """A user of the pattern, in days before now. `password_used` None: never."""

    name: str
    age: int
    has_password: bool = True
    has_mfa: bool = True
    password_used: int | None = 2
    keys: tuple[Key, ...] = ()


PEOPLE = (
    Person("sim-anna.keller", 700, keys=(Key(40, 1),)),
    Person("sim-ben.okafor", 500, has_mfa=False, password_used=5),
    Person("sim-carla.nunes", 900, keys=(Key(200, 1),)),
    Person("sim-deploy-pipeline", 300, has_password=False, has_mfa=False, keys=(Key(30, 0),)),
    Person("sim-erik.holm", 400, password_used=None),
    Person("sim-fatima.said", 350, keys=(Key(80, 2), Key(41, 3))),
    Person("sim-grace.liu", 260, keys=(Key(60, 1), Key(5, 1))),
    Person("sim-henrik.berg", 820, password_used=20, keys=(Key(800, 300, active=False),)),
    Person("sim-ida.moreau", 45),
    Person("sim-backup-export", 130, has_password=False, has_mfa=False, keys=(Key(120, None),)),
    Person("sim-jonas.weber", 610, password_used=150),
    Person("sim-frontdesk-shared", 1000, has_mfa=False, password_used=1),
)


def fill_people(filler: Filler) -> int:
    """Users, root, alias and the role that reads evidence; how many users there are."""
    iam = filler.client("iam")
    iam.create_account_alias(AccountAlias=ALIAS)
    with filler.days_ago(1200):
        iam.create_role(RoleName=READER_ROLE, AssumeRolePolicyDocument="{}", Tags=tag_list())
    usage = {}
    for suffix in filler.copies():
        for person in PEOPLE:
            usage[person.name + suffix] = _add_person(filler, iam, person, person.name + suffix)
    filler.control.note_iam_usage(filler.account, usage)
    root = {
        "created": stamp(filler.now - timedelta(days=2000)),
        "password_last_used": stamp(filler.now - timedelta(days=12)),
        "mfa_active": True,
    }
    filler.control.put_facts(filler.account, "global", {"root": root})
    return len(usage)


def _add_person(filler: Filler, iam: Any, person: Person, name: str) -> dict[str, Any]:
    """Make the user as of then; what cannot be made, when things were used, is returned."""
    with filler.days_ago(person.age):
        iam.create_user(UserName=name, Tags=tag_list())
        if person.has_password:
            iam.create_login_profile(UserName=name, Password="Simulated-1-" + name)
        if person.has_mfa:
            _add_mfa(iam, name)
    usage: dict[str, Any] = {"keys": {}}
    if person.has_password and person.password_used is not None:
        usage["password_last_used"] = stamp(filler.now - timedelta(days=person.password_used, hours=1))
    for key in person.keys:
        key_id = _add_key(filler, iam, key, name)
        if key.used is not None:
            at = stamp(filler.now - timedelta(days=key.used, hours=2))
            usage["keys"][key_id] = {"at": at, "region": "eu-central-1", "service": "s3"}
    return usage


def _add_mfa(iam: Any, name: str) -> None:
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]["SerialNumber"]
    codes = {"AuthenticationCode1": "000001", "AuthenticationCode2": "000002"}
    iam.enable_mfa_device(UserName=name, SerialNumber=device, **codes)


def _add_key(filler: Filler, iam: Any, key: Key, name: str) -> str:
    with filler.days_ago(key.age):
        key_id: str = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    if not key.active:
        iam.update_access_key(UserName=name, AccessKeyId=key_id, Status="Inactive")
    return key_id
