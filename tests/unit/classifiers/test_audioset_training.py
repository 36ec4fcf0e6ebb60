"""The recipe of the bundled weights, on a corpus small enough to make here."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors import safe_open

from earmark_classifiers.audioset.network import AudioSetNetwork
from earmark_classifiers.audioset.training import export
from earmark_classifiers.audioset.training.augment import draw_batch, to_student_rate
from earmark_classifiers.audioset.training.calibrate import (
    Calibration,
    expected_error,
    fit_calibration,
    reliability,
)
from earmark_classifiers.audioset.training.corpus import Corpus, open_corpus
from earmark_classifiers.audioset.training.distil import Distillation, Recipe
from earmark_classifiers.audioset.training.judge import average_precision, judge
from earmark_classifiers.audioset.training.teacher import Teacher
from earmark_classifiers.networks.mobilenet import MobileNetTagger

CLIPS = 270
RECIPE = replace(Recipe(), epochs=2, steps_per_epoch=3, batch=8, seed=7)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus folder and a teacher with random weights under the published names."""
    folder = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(0)
    with (folder / "manifest.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["clip_id", "path", "split", "name_label"])
        for clip in range(CLIPS):
            name = f"{clip}.wav"
            soundfile.write(folder / name, rng.uniform(-0.5, 0.5, 3_200 + clip), 16_000)
            rows.writerow([f"c{clip}", name, "train" if clip < 262 else "val", "dog bark"])
    logits = rng.integers(-80, 20, (CLIPS, 527)).astype(np.int8)
    np.savez(folder / "teacher_scores.npz", mn04_logit_x8=logits)
    challenge = [f"c{clip},{'Bark' if clip % 2 else 'Oboe'},val" for clip in range(262, CLIPS)]
    (folder / "labels41.csv").write_text("\n".join(["clip_id,label,split", *challenge]))
    nodes = [{"id": "/m/0bt9lr", "child_ids": ["/m/05tny_"]}, {"id": "/m/05tny_", "child_ids": []}]
    (folder / "ontology.json").write_text(json.dumps(nodes))
    torch.manual_seed(0)
    state = MobileNetTagger(width=0.4).state_dict()
    published = {
        key.replace("classifier.2.", "classifier.5.").replace("classifier.0.", "classifier.2."): v
        for key, v in state.items()
    }
    torch.save(published, folder / "teacher.pt")
    return folder


@pytest.fixture(scope="module")
def corpus(folder: Path) -> Corpus:
    return open_corpus(folder, folder / "cache")


def test_corpus_is_decoded_once_to_32_khz(folder: Path, corpus: Corpus) -> None:
    assert len(corpus.samples(0)) == 6_400
    stamp = (folder / "cache" / "audio.npy").stat().st_mtime_ns
    again = open_corpus(folder, folder / "cache")
    assert (folder / "cache" / "audio.npy").stat().st_mtime_ns == stamp
    assert np.array_equal(again.samples(5), corpus.samples(5))


def test_a_seed_fixes_a_batch(corpus: Corpus) -> None:
    clips = np.arange(24)
    one, two, other = (draw_batch(corpus, clips, np.random.default_rng(s)) for s in (3, 3, 4))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.allclose(one.abs().amax(dim=1), torch.ones(24))


def test_halving_the_rate_keeps_a_tone_and_drops_what_cannot_be_told() -> None:
    time = torch.arange(160_000, dtype=torch.float64) / 32_000
    low, high = torch.sin(2 * torch.pi * 1_000 * time), torch.sin(2 * torch.pi * 12_000 * time)
    halved = to_student_rate(torch.stack((low, high)).float())
    assert torch.allclose(halved[0], low[::2].float(), atol=1e-3)
    assert halved[1].abs().max() < 1e-3


def test_training_resumed_after_an_epoch_ends_like_one_never_stopped(
    folder: Path, corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start() -> Distillation:
        return Distillation(corpus, Teacher(folder / "teacher.pt"), RECIPE)

    straight = start()
    straight.run(tmp_path)
    export_and_look(folder, tmp_path, monkeypatch)
    stopped = start()
    stopped.train_epoch()
    stopped.save(tmp_path / "half.pt")
    resumed = start()
    resumed.resume(tmp_path / "half.pt")
    resumed.run(tmp_path)
    for name, value in straight.average.state_dict().items():
        assert torch.allclose(value, resumed.average.state_dict()[name], atol=1e-5), name


def export_and_look(folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a training leaves can be exported, loaded, and says how it was made."""
    for name in ("audio.npy", "offsets.npy"):
        (out / name).symlink_to(folder / "cache" / name)
    weights, figures = out / "weights.safetensors", out / "figures"
    arguments = {"corpus": folder, "ontology": folder / "ontology.json", "out": out}
    arguments |= {"weights": weights, "figures": figures}
    line = [part for name, value in arguments.items() for part in (f"--{name}", str(value))]
    monkeypatch.setattr("sys.argv", ["export", *line])
    export.main()
    with safe_open(weights, framework="pt") as file:
        metadata = file.metadata()
        names = file.keys()
        AudioSetNetwork().load_state_dict({name: file.get_tensor(name) for name in names})
    assert json.loads(metadata["recipe"])["epochs_done"] == 2
    assert set(json.loads(metadata["calibration"])) == {"scale", "offset"}
    found = json.loads((figures / "audioset-figures.json").read_text())
    assert found["named_clips"] == 8
    assert found["challenge_top1"]["clips"] == 4
    assert (figures / "audioset-reliability.png").read_bytes().startswith(b"\x89PNG")


def test_student_starts_in_the_space_of_its_teacher(folder: Path, corpus: Corpus) -> None:
    training = Distillation(corpus, Teacher(folder / "teacher.pt"), RECIPE)
    axes = training.projection.axes
    assert axes.shape == (384, 256)
    assert torch.allclose(axes.T @ axes, torch.eye(256), atol=1e-4)
    body = training.student.body.features[0][0].weight
    assert torch.equal(body, Teacher(folder / "teacher.pt").tagger.features[0][0].weight)


def test_average_precision_is_the_mean_precision_at_each_hit() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.1], np.float32)
    present = np.array([True, False, True, False])
    assert average_precision(scores, present) == pytest.approx((1 + 2 / 3) / 2)


def test_judging_the_teacher_by_itself_is_perfect() -> None:
    logits = np.random.default_rng(0).normal(-3, 3, (40, 527)).astype(np.float32)
    figures = judge(1 / (1 + np.exp(-logits)), logits)
    assert figures.top1_in_top3 == 1.0
    assert figures.mean_average_precision == pytest.approx(1.0)


def test_calibration_recovers_a_known_distortion() -> None:
    logits = np.random.default_rng(1).normal(-2, 2, (400, 50)).astype(np.float32)
    truth = Calibration(0.6, 1.2)(logits)
    fitted = fit_calibration(logits, truth)
    assert fitted.scale == pytest.approx(0.6, abs=1e-3)
    assert fitted.offset == pytest.approx(1.2, abs=1e-3)
    assert expected_error(reliability(fitted(logits), truth)) < 1e-3
