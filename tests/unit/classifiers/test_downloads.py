"""Weights are fetched from a real server on this machine, with everything that goes wrong."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from earmark.classifiers.downloads.catalogue import CATALOGUE, Weights, get_weights
from earmark.classifiers.downloads.http import Patience
from earmark.classifiers.downloads.store import ModelsFolder, Pulled, Trust
from earmark.classifiers.errors import (
    ChecksumMismatchError,
    ChecksumUnknownError,
    DownloadError,
    DownloadInterruptedError,
    DownloadRefusedError,
    ModelsFolderError,
    OfflineError,
    UnknownWeightsError,
)
from earmark_classifiers.efficientat import EfficientAtMn04, EfficientAtMn10, EfficientAtMn20
from earmark_classifiers.panns.classifier import FILE_NAME as PANNS_FILE
from earmark_classifiers.yamnet.classifier import FILE_NAME as YAMNET_FILE
from tests.weights_server import Server, serve

CONTENT = np.random.default_rng(0).bytes(300_000)
OTHER = np.random.default_rng(1).bytes(300_000)
HURRY = Patience(attempts=3, pause_s=0.01, timeout_s=5.0)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as server:
        server.files["/model.bin"] = CONTENT
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> ModelsFolder:
    return ModelsFolder(tmp_path / "models")


def entry(server: Server, **changes: object) -> Weights:
    known = Weights(
        name="model",
        file_name="model.bin",
        url=f"{server.url}/model.bin",
        size=len(CONTENT),
        sha256=sha256(CONTENT),
        checksum_source="the test",
        licence="CC0-1.0",
        description="It.",
    )
    return replace(known, **changes)  # type: ignore[arg-type]


def pull(folder: ModelsFolder, weights: Weights, **options: object) -> Pulled:
    options.setdefault("patience", HURRY)
    options.setdefault("on_progress", lambda done, total: None)
    return folder.pull(weights, **options)  # type: ignore[arg-type]


def names(folder: ModelsFolder) -> set[str]:
    return {path.name for path in folder.folder.iterdir()} - {".lock"}


def test_a_file_is_fetched_whole_with_progress_to_its_end(
    server: Server, folder: ModelsFolder
) -> None:
    steps: list[tuple[int, int | None]] = []
    pulled = pull(folder, entry(server), on_progress=lambda *step: steps.append(step))
    assert pulled.path.read_bytes() == CONTENT
    assert (pulled.sha256, pulled.fetched, pulled.trusted) == (sha256(CONTENT), True, False)
    assert steps == sorted(steps) and steps[-1] == (len(CONTENT), len(CONTENT))
    assert names(folder) == {"model.bin"}
    assert folder.check(entry(server)) == "ok"


def test_a_file_that_is_here_is_not_fetched_again(server: Server, folder: ModelsFolder) -> None:
    pull(folder, entry(server))
    assert pull(folder, entry(server)).fetched is False
    assert len(server.requests) == 1


def test_a_connection_that_breaks_is_taken_up_where_it_broke(
    server: Server, folder: ModelsFolder
) -> None:
    server.drop_after = [100_000, 50_000]
    assert pull(folder, entry(server)).path.read_bytes() == CONTENT
    assert server.asked_ranges == [None, "bytes=100000-", "bytes=150000-"]


def test_what_came_before_giving_up_is_kept_for_the_next_time(
    server: Server, folder: ModelsFolder
) -> None:
    server.drop_after = [100_000, 0, 0]
    with pytest.raises(DownloadInterruptedError, match="goes on from the 100,000 bytes"):
        pull(folder, entry(server))
    assert folder.check(entry(server)) == "partial"
    assert not folder.path(entry(server)).exists()
    assert pull(folder, entry(server)).path.read_bytes() == CONTENT
    assert server.asked_ranges[-1] == "bytes=100000-"


def test_a_server_without_ranges_is_asked_for_everything_again(
    server: Server, folder: ModelsFolder
) -> None:
    server.ranges = False
    server.drop_after = [100_000]
    assert pull(folder, entry(server)).path.read_bytes() == CONTENT


def test_a_file_that_changed_in_between_is_fetched_from_its_beginning(
    server: Server, folder: ModelsFolder
) -> None:
    server.files["/model.bin"], server.validator = OTHER, '"old"'
    server.drop_after = [100_000, 0, 0]
    with pytest.raises(DownloadInterruptedError):
        pull(folder, entry(server))
    server.files["/model.bin"], server.validator = CONTENT, '"new"'
    assert pull(folder, entry(server)).path.read_bytes() == CONTENT


def test_without_checksum_and_validator_nothing_is_pieced_together(
    server: Server, folder: ModelsFolder
) -> None:
    server.validator = ""
    server.drop_after = [100_000]
    unknown = entry(server, sha256=None, size=None)
    assert pull(folder, unknown, trust=Trust(first_use=True)).path.read_bytes() == CONTENT
    assert server.asked_ranges == [None, None]


def test_without_checksum_a_file_of_unknown_length_is_refused(
    server: Server, folder: ModelsFolder
) -> None:
    server.tell_length = False
    unknown = entry(server, sha256=None, size=None)
    with pytest.raises(DownloadRefusedError, match="does not tell how long"):
        pull(folder, unknown, trust=Trust(first_use=True))
    assert pull(folder, entry(server)).path.read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_thrown_away(server: Server, folder: ModelsFolder) -> None:
    folder.folder.mkdir()
    (folder.folder / "model.bin.part").write_bytes(OTHER + OTHER)
    assert pull(folder, entry(server)).path.read_bytes() == CONTENT


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_is_asked_again(
    server: Server, folder: ModelsFolder, status: int
) -> None:
    server.statuses = [status, status]
    assert pull(folder, entry(server)).fetched


def test_another_content_is_refused_and_not_kept(server: Server, folder: ModelsFolder) -> None:
    server.files["/model.bin"] = OTHER
    with pytest.raises(ChecksumMismatchError) as caught:
        pull(folder, entry(server))
    assert sha256(OTHER) in str(caught.value) and sha256(CONTENT) in str(caught.value)
    assert names(folder) == set()


@pytest.mark.parametrize("page", [b"<html>log in first</html>", CONTENT * 2])
def test_another_size_is_refused_before_it_is_fetched(
    server: Server, folder: ModelsFolder, page: bytes
) -> None:
    server.files["/model.bin"] = page
    with pytest.raises(ChecksumMismatchError, match=f"has {len(page):,} bytes"):
        pull(folder, entry(server))
    assert names(folder) == set()


def test_a_server_that_does_not_stop_is_cut_off(server: Server, folder: ModelsFolder) -> None:
    server.files["/model.bin"], server.tell_length = CONTENT * 3, False
    with pytest.raises(ChecksumMismatchError, match="more than it should"):
        pull(folder, entry(server))
    assert not folder.path(entry(server)).exists()


def test_a_file_that_is_not_there_is_said_at_once(server: Server, folder: ModelsFolder) -> None:
    with pytest.raises(DownloadRefusedError, match="404"):
        pull(folder, entry(server, url=f"{server.url}/moved.bin"))
    assert len(server.requests) == 1


def test_offline_is_said_at_once_and_keeps_the_part(folder: ModelsFolder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = Server(url=f"http://127.0.0.1:{closed.getsockname()[1]}")
    folder.folder.mkdir()
    (folder.folder / "model.bin.part").write_bytes(CONTENT[:1000])
    with pytest.raises(OfflineError, match="cannot be reached"):
        pull(folder, entry(nobody))
    assert (folder.folder / "model.bin.part").read_bytes() == CONTENT[:1000]


def test_a_name_that_no_server_has_is_offline(server: Server, folder: ModelsFolder) -> None:
    with pytest.raises(OfflineError):
        pull(folder, entry(server, url="http://weights.invalid/model.bin"))


def test_redirects_are_followed_with_the_range(server: Server, folder: ModelsFolder) -> None:
    server.redirects["/released"] = f"{server.url}/model.bin"
    server.drop_after = [100_000]
    pull(folder, entry(server, url=f"{server.url}/released"))
    assert server.asked_ranges == [None, None, "bytes=100000-", "bytes=100000-"]


def test_a_mirror_serves_the_file_under_its_own_name(server: Server, folder: ModelsFolder) -> None:
    server.files["/mirror/model.bin"] = CONTENT
    elsewhere = entry(server, url="http://weights.invalid/something-else")
    assert pull(folder, elsewhere, mirror=f"{server.url}/mirror/").fetched
    with pytest.raises(DownloadError, match="http"):
        pull(folder, elsewhere, mirror="file:///etc")


def test_an_unknown_checksum_is_a_persons_decision(server: Server, folder: ModelsFolder) -> None:
    unknown = entry(server, sha256=None, size=None)
    with pytest.raises(ChecksumUnknownError, match="--accept-checksum"):
        pull(folder, unknown)
    assert server.requests == []
    with pytest.raises(ChecksumMismatchError):
        pull(folder, unknown, trust=Trust(accepted=sha256(OTHER)))
    pulled = pull(folder, unknown, trust=Trust(accepted=sha256(CONTENT).upper()))
    assert not pulled.trusted
    assert folder.check(unknown) == "ok"


def test_what_was_believed_once_has_to_come_again(server: Server, folder: ModelsFolder) -> None:
    unknown = entry(server, sha256=None, size=None)
    assert pull(folder, unknown, trust=Trust(first_use=True)).trusted
    written = (folder.folder / "model.bin.sha256").read_text()
    assert written == f"{sha256(CONTENT)}  model.bin\n"
    folder.remove(unknown)
    server.files["/model.bin"] = OTHER
    with pytest.raises(ChecksumMismatchError):
        pull(folder, unknown, trust=Trust(first_use=True))


def test_a_known_checksum_cannot_be_talked_away(server: Server, folder: ModelsFolder) -> None:
    with pytest.raises(ChecksumMismatchError, match="is known"):
        pull(folder, entry(server), trust=Trust(accepted=sha256(OTHER)))
    with pytest.raises(DownloadError, match="64 hexadecimal digits"):
        pull(folder, entry(server), trust=Trust(accepted="abc"))


def test_a_file_that_was_damaged_here_is_noticed(server: Server, folder: ModelsFolder) -> None:
    path = pull(folder, entry(server)).path
    path.write_bytes(CONTENT[:-1])
    assert folder.check(entry(server)) == "differs"
    with pytest.raises(ChecksumMismatchError, match="models remove model"):
        pull(folder, entry(server))
    assert path.exists()
    assert folder.remove(entry(server)) == len(CONTENT) - 1
    assert folder.check(entry(server)) == "missing"
    assert pull(folder, entry(server)).fetched


def test_two_that_want_it_at_once_fetch_it_once(server: Server, folder: ModelsFolder) -> None:
    done: list[Pulled] = []
    threads = [
        threading.Thread(target=lambda: done.append(pull(folder, entry(server)))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(pulled.fetched for pulled in done) == [False, False, False, True]
    assert len(server.requests) == 1


def test_a_folder_that_cannot_be_used_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelsFolderError, match="EARMARK_MODELS_DIR"):
        pull(ModelsFolder(tmp_path / "file"), entry(server))


def test_each_entry_is_the_file_its_classifier_looks_for() -> None:
    sizes = (EfficientAtMn04, EfficientAtMn10, EfficientAtMn20)
    wanted = {made().manifest.name: made.size.file_name for made in sizes}
    assert {weights.name: weights.file_name for weights in CATALOGUE} == wanted | {
        "panns-cnn14": PANNS_FILE,
        "yamnet": YAMNET_FILE,
    }


def test_entries_are_encrypted_addresses_with_a_licence_and_a_source_of_the_checksum() -> None:
    for weights in CATALOGUE:
        assert weights.url.startswith("https://")
        assert weights.licence and weights.checksum_source
        assert weights.sha256 is None or len(weights.sha256) == 64
        assert (weights.checksum_source == "not known") == (weights.sha256 is None)


def test_a_name_that_is_in_no_catalogue_is_refused() -> None:
    with pytest.raises(UnknownWeightsError, match="models list"):
        get_weights("no-such-model")


def test_the_page_on_weights_has_a_command_and_a_licence_for_each_entry() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs/models/README.md").read_text("utf-8")
    for weights in CATALOGUE:
        (row,) = [line for line in page.splitlines() if line.startswith(f"| [`{weights.name}`]")]
        command = f"`earmark models pull {weights.name}"
        assert (command if weights.sha256 else f"{command} --trust-on-first-use`") in row
        assert row.endswith(f"| {weights.licence} |")
