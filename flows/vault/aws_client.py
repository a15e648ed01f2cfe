"""The vault's own clients. What botocore knows of S3 and KMS is read once a process, not once a client."""

from __future__ import annotations

from typing import Any

from botocore.config import Config
from botocore.loaders import Loader
from botocore.session import Session

from flows.vault.settings import StoreCredentials

_DESCRIPTIONS = Loader()
"""Safe with threads. To read them takes several times as long as to make a client; of two services, they may stay."""


def make_aws_client(
    service: str,
    config: Config,
    *,
    region: str | None,
    endpoint: str | None,
    profile: str | None,
    credentials: StoreCredentials | None,
) -> Any:
    """A client with these keys, else those of the profile, else the ambient ones; asks nothing yet."""
    session = Session(profile=profile)
    session.register_component("data_loader", _DESCRIPTIONS)
    if credentials is not None:
        session.set_credentials(credentials.access_key, credentials.secret_key, credentials.session_token or None)
    create: Any = session.create_client  # the stubs want each service by its literal name
    return create(service, region_name=region, endpoint_url=endpoint, config=config)
