"""The recipe of the bundled weights, on a corpus small enough to make here."""

from __future__ import annotations

import csv
import json
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from earmark_classifiers.audioset.classifier import WEIGHTS
from earmark_classifiers.audioset.listening import make_front_end
from earmark_classifiers.audioset.network import AudioSetNetwork
from earmark_classifiers.audioset.training.__main__ import main
from earmark_classifiers.audioset.training.augment import draw_batch
from earmark_classifiers.audioset.training.corpus import Corpus, open_corpus
from earmark_classifiers.audioset.training.distil import (
    Distillation,
    distillation_loss,
)
from earmark_classifiers.audioset.training.judge import judge
from earmark_classifiers.audioset.training.probe import frequent_classes, probe
from earmark_classifiers.audioset.training.recipe import RecipeChangedError, read_recipe
from earmark_classifiers.audioset.training.reliability import expected_error, reliability
from earmark_classifiers.audioset.training.teacher import Teacher
from earmark_classifiers.calibration import Calibration, fit_calibration
from earmark_classifiers.efficientat.network import EfficientAtNetwork
from earmark_classifiers.networks.mobilenet import MobileNetTagger, fuse_batch_norms
from earmark_classifiers.onnx_backend import OnnxEngine

CLIPS = 270
RECIPE = replace(read_recipe(), epochs=2, steps_per_epoch=3, batch=8, seed=7)


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
            said = ("cello", "piano")[clip % 2]
            rows.writerow([f"c{clip}", name, "train" if clip < 262 else "val", said])
    logits = rng.integers(-80, 20, (CLIPS, 527)).astype(np.int8)
    np.savez(folder / "teacher_scores.npz", mn04_logit_x8=logits)
    challenge = [f"c{clip},{'Bark' if clip % 2 else 'Oboe'},-" for clip in range(200, CLIPS)]
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
def teacher(folder: Path) -> Teacher:
    return Teacher(folder / "teacher.pt")


@pytest.fixture(scope="module")
def corpus(folder: Path) -> Corpus:
    return open_corpus(folder, folder / "cache")


@pytest.fixture(scope="module")
def untrained(corpus: Corpus, teacher: Teacher) -> Distillation:
    return Distillation(corpus, teacher, RECIPE)


def test_corpus_is_decoded_once_to_32_khz(folder: Path, corpus: Corpus) -> None:
    assert len(corpus.samples(0)) == 6_400
    stamp = (folder / "cache" / "audio.npy").stat().st_mtime_ns
    again = open_corpus(folder, folder / "cache")
    assert (folder / "cache" / "audio.npy").stat().st_mtime_ns == stamp
    assert np.array_equal(again.samples(5), corpus.samples(5))


def test_a_seed_fixes_a_batch(corpus: Corpus) -> None:
    clips = np.arange(24)
    one, two, other = (
        draw_batch(corpus, clips, np.random.default_rng(seed), altered=0.5).windows
        for seed in (3, 3, 4)
    )
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.allclose(one.abs().amax(dim=1), torch.ones(24))


def test_unaltered_sounds_are_the_clips_at_full_scale(corpus: Corpus) -> None:
    clips = np.arange(24)
    sounds = draw_batch(corpus, clips, np.random.default_rng(3), altered=0.0)
    assert sounds.sources == tuple((clip, 0) for clip in range(24))
    for row, clip in enumerate(clips):
        samples = corpus.samples(clip) / 32768
        assert sounds.lengths[row] == len(samples)
        assert sounds.levels[row] == pytest.approx(np.abs(samples).max())
        heard = sounds.windows[row, : len(samples)].numpy() * sounds.levels[row]
        assert np.sort(heard) == pytest.approx(np.sort(samples), abs=1e-6)  # begun anywhere


def test_the_teacher_hears_a_sound_as_a_file_of_its_own(teacher: Teacher) -> None:
    window = torch.sin(torch.arange(160_000) / 7.0)
    network = EfficientAtNetwork(0.4).eval()
    network.tagger.load_state_dict(teacher.tagger.state_dict())
    for length, heard in ((100, 64_000), (70_000, 69_760), (160_000, 160_000)):
        with torch.inference_mode():
            expected = network(0.1 * window[None, :heard])
        answer = teacher.hear(window, 0.1, length)
        for ours, theirs in zip(answer, expected, strict=True):
            torch.testing.assert_close(ours, theirs[0], atol=1e-3, rtol=1e-3)


def test_what_the_teacher_said_of_an_unaltered_sound_is_kept(
    corpus: Corpus, teacher: Teacher
) -> None:
    recipe = replace(RECIPE, altered_first=0.0, altered_last=0.0)
    training = Distillation(corpus, teacher, recipe)
    training.train_epoch()
    known = dict(training.known)
    assert 0 < len(known) <= 24
    training.train_epoch()
    assert all(training.known[source] is answer for source, answer in known.items())


def test_possible_classes_weigh_most_in_the_loss() -> None:
    logits = torch.full((1, 527), -9.0)
    logits[0, 0] = 1.0
    embedding = torch.ones(1, 256)
    losses = []
    for column in (0, 1):
        guess = logits.clone()
        guess[0, column] -= 1.0
        losses.append(distillation_loss(guess, embedding, logits, embedding))
    floor = distillation_loss(logits, embedding, logits, embedding)
    assert losses[0] - floor > 10 * (losses[1] - floor) > 0


def test_a_probe_finds_classes_that_lie_apart() -> None:
    rng = np.random.default_rng(0)
    classes = np.array(["bell", "dog", "rain"])[np.arange(90) % 3]
    embeddings = rng.standard_normal((90, 8)) + 4 * np.eye(8)[np.arange(90) % 3]
    is_val = np.arange(90) >= 60
    figures = probe(embeddings.astype(np.float32), classes, is_val)
    assert (figures.classes, figures.fitted_on, figures.judged_on) == (3, 60, 30)
    assert figures.accuracy > 0.9 < figures.macro_recall
    guessing = probe(rng.standard_normal((90, 8)).astype(np.float32), classes, is_val)
    assert guessing.accuracy < 0.7


def test_rare_classes_take_no_part_in_a_probe() -> None:
    classes = {clip: "dog" if clip < 20 else "gong" for clip in range(39)}
    assert set(frequent_classes(classes)) == set(range(20))


def test_the_command_goes_on_after_an_interruption_and_makes_what_it_would_have_made(
    folder: Path, corpus: Corpus, teacher: Teacher, tmp_path: Path
) -> None:
    straight = Distillation(corpus, teacher, RECIPE)
    straight.run(tmp_path)
    out, recipe = tmp_path / "out", tmp_path / "recipe.json"
    recipe.write_text(json.dumps(asdict(RECIPE)))
    stopped = Distillation(corpus, teacher, RECIPE)
    stopped.train_epoch()
    out.mkdir()
    stopped.save(out / "checkpoint.pt")
    make_weights(folder, out, recipe)
    resumed = torch.load(out / "checkpoint.pt", weights_only=True)
    assert resumed["epoch"] == 2
    for name, value in straight.average.state_dict().items():
        assert torch.allclose(value, resumed["average"][name], atol=1e-5), name
    look_at_weights(out)


def make_weights(folder: Path, out: Path, recipe: Path) -> None:
    arguments = {"corpus": folder, "teacher": folder / "teacher.pt", "out": out}
    arguments |= {"ontology": folder / "ontology.json", "recipe": recipe}
    main([part for name, value in arguments.items() for part in (f"--{name}", str(value))])


def look_at_weights(out: Path) -> None:
    """What the command leaves can be loaded, and says how it was made."""
    weights = out / WEIGHTS.name
    with safe_open(weights, framework="pt") as file:
        metadata = file.metadata()
    network = AudioSetNetwork().eval()
    network.load_state_dict(load_file(weights))
    sound = torch.sin(torch.arange(160_000) / 5.0)[None]
    with torch.inference_mode():
        expected = network(sound)[0].numpy()
    logits, _ = OnnxEngine(weights.with_suffix(".onnx"), make_front_end(), rows=1)(sound.numpy())
    assert logits == pytest.approx(expected, abs=1e-3)
    assert json.loads(metadata["recipe"])["epochs_done"] == 2
    assert set(json.loads(metadata["calibration"])) == {"scale", "offset"}
    found = json.loads((out / "figures" / "audioset-figures.json").read_text())
    assert found["named_clips"] == 8
    assert found["challenge_top1"]["clips"] == 4
    assert found["probes"]["names"]["judged_on"] == 8
    assert (out / "figures" / "audioset-reliability.png").read_bytes().startswith(b"\x89PNG")


def test_the_recipe_beside_the_training_is_that_of_the_weights_that_ship() -> None:
    with safe_open(WEIGHTS, framework="np") as file:
        told = json.loads(file.metadata()["recipe"])
    assert told == {**asdict(read_recipe()), "epochs_done": read_recipe().epochs}


def test_a_checkpoint_of_another_recipe_is_not_gone_on_from(
    untrained: Distillation, tmp_path: Path
) -> None:
    untrained.save(tmp_path / "checkpoint.pt")
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    torch.save({**state, "recipe": asdict(replace(RECIPE, epochs=5))}, tmp_path / "checkpoint.pt")
    with pytest.raises(RecipeChangedError, match="another folder"):
        untrained.resume(tmp_path / "checkpoint.pt")


@pytest.mark.parametrize("text", ["", "[]", '{"epochs": 3}', '{"steps": 3}'])
def test_a_file_that_is_no_recipe_is_a_wrong_command_line(
    text: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "recipe.json").write_text(text)
    with pytest.raises(SystemExit) as caught:
        make_weights(folder, tmp_path / "out", tmp_path / "recipe.json")
    assert caught.value.code == 2
    assert "is not a recipe" in capsys.readouterr().err


def test_student_starts_in_the_space_of_its_teacher(
    untrained: Distillation, teacher: Teacher
) -> None:
    axes = untrained.projection.axes
    assert axes.shape == (384, 256)
    assert torch.allclose(axes.T @ axes, torch.eye(256), atol=1e-4)
    # It takes over the filters, which the norms are folded into.
    body = untrained.student.body.features[0][0]
    theirs = fuse_batch_norms(deepcopy(teacher.tagger)).features[0][0]
    assert torch.equal(body.weight, theirs.weight) and torch.equal(body.bias, theirs.bias)


def test_judging_the_teacher_by_itself_is_perfect() -> None:
    logits = np.random.default_rng(0).normal(-3, 3, (40, 527)).astype(np.float32)
    figures = judge(1 / (1 + np.exp(-logits)), logits)
    assert figures.top1_in_top3 == 1.0
    assert figures.mean_average_precision == pytest.approx(1.0)


def test_a_calibration_is_seen_in_the_reliability() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(-2, 2, (400, 50)).astype(np.float32)
    truth = rng.random(logits.shape) < Calibration(0.6, 1.2)(logits)
    fitted = fit_calibration(logits, truth)
    errors = [
        expected_error(reliability(used(logits), truth.astype(np.float32)))
        for used in (fitted, Calibration())
    ]
    assert errors[0] < 0.02 < 0.1 < errors[1]
