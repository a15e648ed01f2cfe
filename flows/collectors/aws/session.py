"""Sessions and clients: one session for each account and run, clients made for a task and dropped with it."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol
from urllib.parse import urlsplit

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import DataNotFoundError, ProfileNotFound, UnknownServiceError
from botocore.model import ServiceModel
from botocore.session import Session as CoreSession

from flows.collectors.aws.models import BoundedLoader
from flows.collectors.aws.settings import PRODUCT, AccountAccess, AwsSettings, product_version
from flows.collectors.errors import CredentialsRefused


class Sessions(Protocol):
    """Who makes clients; tests put their own in its place."""

    def client(self, account: str, region: str, service: str, run_id: str) -> BaseClient:
        """A client of the account; raises CredentialsRefused where none can be made."""

    def model(self, service: str) -> ServiceModel:
        """The service's API as botocore knows it."""

    def paginators(self, service: str) -> Mapping[str, Mapping[str, Any]]:
        """Operation -> how it pages, as botocore knows it."""

    def offers(self, service: str, region: str) -> bool:
        """Whether botocore knows the service in the region; true where it cannot tell."""


class AwsSessions:
    """Real sessions. Service models are shared: they are most of a client's memory."""

    def __init__(self, accounts: Mapping[str, AccountAccess], settings: AwsSettings) -> None:
        self._accounts = accounts
        self._settings = settings
        self._loader = BoundedLoader()
        self._sessions: dict[tuple[str, str], boto3.Session] = {}
        self._lock = threading.Lock()

    def client(self, account: str, region: str, service: str, run_id: str) -> BaseClient:
        with self._lock:  # sessions are not safe with threads, clients are
            session = self._sessions.get((account, run_id)) or self._open(account, run_id)
            self._sessions[(account, run_id)] = session
            make: Any = session.client  # the stubs want each service by its literal name
            client: BaseClient = make(service, region_name=region, config=self._config())
            keep_to_address(client)
            return client

    def forget(self, run_id: str) -> None:
        """Drop the sessions of a run."""
        with self._lock:
            for key in [key for key in self._sessions if key[1] == run_id]:
                del self._sessions[key]

    def model(self, service: str) -> ServiceModel:
        return ServiceModel(self._loader.load_service_model(service, "service-2"), service)

    def paginators(self, service: str) -> Mapping[str, Mapping[str, Any]]:
        try:
            found = self._loader.load_service_model(service, "paginators-1")
        except (UnknownServiceError, DataNotFoundError):  # a service none of whose operations page
            return {}
        pagination: Mapping[str, Mapping[str, Any]] = found["pagination"]
        return pagination

    def offers(self, service: str, region: str) -> bool:
        known = boto3.Session(botocore_session=self._core(None)).get_available_regions(service)
        return not known or region in known

    def _open(self, account: str, run_id: str) -> boto3.Session:
        access = self._accounts.get(account) or AccountAccess(account)
        try:
            core = self._core(access.profile)
            if access.role_arn is not None:
                core = self._assumed(core, access, run_id)
        except ProfileNotFound as error:
            raise CredentialsRefused(
                f"account {account}: expected the AWS profile {access.profile!r}, found none; check AWS_PROFILE and "
                "the credentials file"
            ) from error
        return boto3.Session(botocore_session=core)

    def _assumed(self, base: CoreSession, access: AccountAccess, run_id: str) -> CoreSession:
        source = base.get_credentials()
        if source is None:
            raise CredentialsRefused(
                f"account {access.account}: expected credentials that may assume {access.role_arn}, found none; "
                "set AWS_PROFILE, or run where an instance, task or pod role is"
            )
        extra = {"RoleSessionName": run_id}  # so that CloudTrail can witness our calls
        if access.external_id is not None:
            extra["ExternalId"] = access.external_id
        create: Any = partial(base.create_client, region_name=self._settings.home_region, config=self._config())
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=create, source_credentials=source, role_arn=access.role_arn or "", extra_args=extra
        )
        session: Any = self._core(None)
        # botocore has no public way to hand a session credentials that renew themselves
        session._credentials = DeferredRefreshableCredentials(  # noqa: SLF001
            method="assume-role", refresh_using=fetcher.fetch_credentials
        )
        core: CoreSession = session
        return core

    def _core(self, profile: str | None) -> CoreSession:
        session = CoreSession(profile=profile) if profile else CoreSession()
        session.register_component("data_loader", self._loader)
        return session

    def _config(self) -> Config:
        return Config(
            retries={"mode": "standard", "total_max_attempts": self._settings.attempts},
            connect_timeout=self._settings.connect_timeout_s,
            read_timeout=self._settings.read_timeout_s,
            user_agent_extra=f"{PRODUCT}/{product_version()}",
        )


def keep_to_address(client: BaseClient) -> None:
    """Where the endpoint is given by its address, nothing can stand before it: S3 Control puts the account's number,
    others a word. A name is left as it is.
    """
    place = urlsplit(client.meta.endpoint_url)
    try:
        ipaddress.ip_address(place.hostname or "")
    except ValueError:
        return

    def keep(params: dict[str, Any], **_: Any) -> None:
        asked = urlsplit(params["url"])
        if asked.netloc.endswith("." + place.netloc):
            params["url"] = asked._replace(netloc=place.netloc).geturl()

    client.meta.events.register("before-call", keep)
