"""One simulated vault, packed: every test works on copies of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
from slices import EIGHT
from worlds import Organisation, collected_here

from evidence_schema.models.unit import Selection
from flows.steps.compiling import compile_framework
from flows.steps.packaging import Packaged, PackageRequest, make_package
from flows.steps.runtime import Runtime, open_runtime

Founder = Callable[..., Organisation]


@dataclass(frozen=True)
class Packer:
    """An organisation with two judged runs, a small one and a whole one, and the means to pack them in this process."""

    place: Organisation

    def runtime(self) -> Runtime:
        with mock.patch.dict(os.environ, self.place.environment, clear=True):
            return open_runtime(self.place.settings_file)

    def __call__(self, out: Path, **request) -> Packaged:
        with mock.patch.dict(os.environ, self.place.environment, clear=True):
            return make_package(open_runtime(self.place.settings_file), PackageRequest(**request), out)


@pytest.fixture(scope="session")
def packer(unorchestrated: Founder, tmp_path_factory: pytest.TempPathFactory) -> Packer:
    place = unorchestrated(tmp_path_factory.mktemp("packed"), requirements=EIGHT)
    collected_here(place, Selection(requirements=("EV-IAM-01",)))
    gathered = collected_here(place, Selection(frameworks=("hipaa", "gdpr", "soc2")))
    with mock.patch.dict(os.environ, place.environment, clear=True):
        runtime = open_runtime(place.settings_file)
        for framework in ("hipaa", "gdpr", "soc2"):
            compile_framework(runtime, gathered.state, framework, None)
    return Packer(place)


@pytest.fixture(scope="session")
def package(packer: Packer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the newest run, masked."""
    return packer(tmp_path_factory.mktemp("package") / "bag").written.path
