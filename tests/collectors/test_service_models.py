"""Service models as the collectors keep them: botocore's own, without prose and in bounded number."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.loaders import JSONFileLoader, Loader
from botocore.session import Session

from flows.collectors.aws.models import SERVICES_KEPT, BoundedLoader


@pytest.mark.parametrize("service", ["s3", "iam", "sagemaker", "apigateway"])
@pytest.mark.parametrize("kind", ["service-2", "paginators-1", "endpoint-rule-set-1"])
def test_a_model_is_botocores_own_but_for_its_prose(service: str, kind: str) -> None:
    whole = Loader().load_service_model(service, kind)

    lean = BoundedLoader().load_service_model(service, kind)

    assert lean == without_prose(whole)
    assert kind != "service-2" or lean != whole


def test_a_client_of_lean_models_addresses_a_bucket() -> None:
    """The rules of endpoints ask for some of the prose by name."""
    session = Session()
    session.register_component("data_loader", BoundedLoader())
    session.set_credentials("testing", "testing")

    client = session.create_client("s3", region_name="eu-central-1")

    assert "bucket" in client.generate_presigned_url("list_objects_v2", Params={"Bucket": "bucket"})


def test_a_file_that_is_not_there_is_none() -> None:
    assert BoundedLoader().file_loader.load_file("nowhere/at/all") is JSONFileLoader().load_file("nowhere/at/all")


def test_no_more_services_are_kept_than_the_bound() -> None:
    loader = BoundedLoader()
    for service in sorted(loader.list_available_services("service-2"))[: SERVICES_KEPT + 3]:
        loader.load_service_model(service, "service-2")

    kept: dict[tuple[Any, ...], Any] = loader._cache  # what botocore keeps
    assert len({key[1] for key in kept if key[0] == "load_service_model"}) == SERVICES_KEPT


def without_prose(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: "" if name == "documentation" and isinstance(part, str) else without_prose(part)
            for name, part in value.items()
        }
    return [without_prose(part) for part in value] if isinstance(value, list) else value
