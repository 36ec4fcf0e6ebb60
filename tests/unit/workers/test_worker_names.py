"""A worker is taken for dead only where that is certain."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from earmark_workers.pipeline import naming
from earmark_workers.pipeline.naming import UNKNOWN, is_gone, is_local, machine_of, worker_name

MACHINE = "3d1219c7c4c5404aaa1f6d2a48adfda4"
CONTAINER = "f" * 12 + "0" * 52
MOUNT = f"612 599 8:1 /var/lib/docker/containers/{CONTAINER}/hostname /etc/hostname rw - ext4"
VOLUME = f"613 599 8:1 /var/lib/docker/volumes/{'e' * 64}/_data /data rw - ext4"


def machine(**known: object) -> str:
    return machine_of(**{"own_numbers": True, "machine_id": MACHINE, "mounts": "", **known})


def test_a_machine_is_known_by_its_number_and_a_container_by_its_own():
    assert machine() == "3d1219c7c4c5"
    assert machine(own_numbers=False, mounts=VOLUME + MOUNT) == "f" * 12
    assert machine(own_numbers=False, mounts=f"0::/system.slice/docker-{CONTAINER}.scope") == (
        "f" * 12
    )


@pytest.mark.parametrize(
    "known",
    [
        {"machine_id": ""},
        {"machine_id": "uninitialized"},
        {"own_numbers": False},
        {"own_numbers": False, "mounts": VOLUME},
    ],
    ids=["no number", "no number yet", "number of an image", "volume that others may share"],
)
def test_what_other_machines_may_have_too_identifies_none(known):
    assert machine(**known) == UNKNOWN


def test_this_process_is_local_and_alive_and_one_that_ended_is_gone():
    name = worker_name()
    assert is_local(name)
    assert not is_gone(name)
    code = "from earmark_workers.pipeline.naming import worker_name; print(worker_name())"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert is_local(ended.stdout.strip())
    assert is_gone(ended.stdout.strip())


def test_before_the_last_start_of_this_machine_every_worker_is_gone(monkeypatch):
    monkeypatch.setattr(naming, "_system", lambda: "vm/3d1219c7c4c5/11111111-4026531836")

    assert is_gone("vm/3d1219c7c4c5/22222222-4026531836/1/1")
    assert not is_gone("vm/aaaaaaaaaaaa/22222222-4026531836/1/1"), "another machine, same host"
    assert not is_gone("box/3d1219c7c4c5/22222222-4026531836/1/1"), "a copy of the machine"
    assert not is_gone("vm/22222222-4026531836/1/1"), "a name of an earlier version"


def test_on_a_machine_that_cannot_be_told_from_others_only_leases_tell(monkeypatch):
    monkeypatch.setattr(naming, "_system", lambda: "vm/-/11111111-4026531837")

    assert not is_gone("vm/-/22222222-4026531838/1/1")


def test_a_later_process_with_the_same_number_is_another_worker():
    here, _, _ = worker_name().rpartition("/")
    assert is_gone(f"{here}/1")
