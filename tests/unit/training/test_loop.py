"""The training loop: it learns, ends in time, survives trouble, and goes on as if never stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from earmark_classifiers.cnn.network import AudioSetBody, SmallCnn
from earmark_classifiers.networks.logmel import normalise_level
from earmark_classifiers.networks.segments import SegmentNetwork
from earmark_classifiers.rnn.network import GruNetwork
from earmark_classifiers.training.checkpoint import CheckpointError
from earmark_classifiers.training.data import Dataset, read_dataset, stratified_split
from earmark_classifiers.training.errors import StartError
from earmark_classifiers.training.loop import (
    DeviceMemoryError,
    DivergedError,
    Fit,
    Recipe,
    Verdict,
)
from earmark_classifiers.training.segments import Segments, class_weights, make_targets
from earmark_classifiers.training.sounds import SoundStore, decode_sounds
from earmark_classifiers.training.starting import freeze, read_audioset, replace_head
from earmark_classifiers.training.torch_trainer import WINDOW
from earmark_classifiers.training.trainers import Progress
from earmark_classifiers.training.validation import Validation
from tests.training_sounds import make_classes

RECIPE = Recipe(epochs=3, batch=8, seed=4)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return read_dataset(make_classes(tmp_path_factory.mktemp("sounds"), per_class=6))


@pytest.fixture(scope="module")
def sounds(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> SoundStore:
    torch.set_num_threads(1)
    return decode_sounds(data.clips, 16_000, tmp_path_factory.mktemp("store"))


@pytest.fixture
def make_fit(data: Dataset, sounds: SoundStore) -> Callable[..., Fit]:
    def make(
        network: SegmentNetwork | None = None,
        recipe: Recipe = RECIPE,
        key: str = "",
        **more: object,
    ) -> Fit:
        torch.manual_seed(recipe.seed)
        split = stratified_split(data)
        augment = ("noise", "mixup", "spec-augment")
        segments = Segments(split.train, data.labels, sounds, WINDOW, augment)
        network = network or SmallCnn(3)
        return Fit(network, segments, recipe, data_key=key, augment=augment, **more)  # type: ignore[arg-type]

    return make


@pytest.fixture
def validation(data: Dataset, sounds: SoundStore) -> Validation:
    return Validation(stratified_split(data).validation, data.labels, sounds, WINDOW)


def ignore(progress: Progress) -> None:
    """Nobody looks."""


def weights(fit: Fit) -> Tensor:
    return torch.cat([value.flatten().float() for value in fit.network.state_dict().values()])


@pytest.mark.parametrize("network", [SmallCnn, GruNetwork])
def test_what_anybody_hears_is_learnt(
    make_fit: Callable[..., Fit],
    validation: Validation,
    tmp_path: Path,
    network: type[SmallCnn | GruNetwork],
):
    torch.manual_seed(1)
    fit = make_fit(network(3), Recipe(epochs=12, batch=4, patience=12))
    seen: list[Progress] = []

    fit.run(validation, tmp_path, seen.append)

    assert validation(fit.network).accuracy == 1.0
    losses = [progress.loss for progress in seen]
    assert len(losses) == fit.epoch
    assert losses[-1] < 0.8 * losses[0]
    assert all(progress.seconds_left is not None for progress in seen)


def test_it_goes_on_as_if_it_had_not_stopped(
    make_fit: Callable[..., Fit], validation: Validation, tmp_path: Path
):
    whole = make_fit()
    whole.run(validation, tmp_path, ignore)

    class StopError(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.step == 1:
            raise StopError

    (tmp_path / "again").mkdir()
    with pytest.raises(StopError):
        make_fit().run(validation, tmp_path / "again", stop)
    torch.manual_seed(99)
    resumed = make_fit()
    resumed.resume(tmp_path / "again")
    assert resumed.epoch == 1
    resumed.run(validation, tmp_path / "again", ignore)

    assert torch.equal(weights(resumed), weights(whole))


def test_other_data_or_options_are_not_gone_on_with(
    make_fit: Callable[..., Fit], validation: Validation, tmp_path: Path
):
    with pytest.raises(CheckpointError, match="nothing to go on from"):
        make_fit().resume(tmp_path)
    make_fit(recipe=Recipe(epochs=1, batch=8)).run(validation, tmp_path, ignore)
    with pytest.raises(CheckpointError, match=r"\(data, seed\)"):
        make_fit(recipe=Recipe(epochs=1, batch=8, seed=1), key="other").resume(tmp_path)
    checkpoint = tmp_path / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="cannot be read"):
        make_fit().resume(tmp_path)


def test_it_ends_early_and_keeps_the_best_epoch(make_fit: Callable[..., Fit], tmp_path: Path):
    fit = make_fit(recipe=Recipe(epochs=20, batch=8, patience=2))
    states = []

    def validate(network: SegmentNetwork) -> Verdict:
        states.append(network.head.weight.detach().clone())
        return Verdict(accuracy=1.0 if len(states) == 2 else 0.5, agreement=float(len(states)))

    fit.run(validate, tmp_path, ignore)

    assert len(states) == 4
    assert fit.best is not None and fit.best[2] == 2
    assert torch.equal(fit.network.head.weight, states[1])


class Hungry(SmallCnn):
    """Runs out of memory beyond so many segments, like a small device."""

    most = 3

    def classify(self, logmels: Tensor) -> tuple[Tensor, Tensor]:
        if len(logmels) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().classify(logmels)


def test_out_of_memory_halves_the_batch_and_goes_on(make_fit: Callable[..., Fit], tmp_path: Path):
    fit = make_fit(Hungry(3), Recipe(epochs=1, batch=8))
    fit.run(lambda network: Verdict(0, 0), tmp_path, ignore)
    assert fit.epoch == 1
    assert fit.state()["chunk"] == 2


def test_parts_of_a_batch_add_up_to_its_gradient(make_fit: Callable[..., Fit]):
    """Without batch norm statistics in play, halving changes nothing that is learnt."""
    results = []
    for chunk in (8, 2):
        torch.manual_seed(1)
        fit = make_fit(GruNetwork(3))
        fit.network.eval()
        fit._chunk = chunk
        batch = next(fit._segments.batches(8, np.random.default_rng(0)))
        fit._masking = False
        loss = fit._accumulate(batch, 0)
        results.append((loss, fit.network.head.weight.grad))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-5)
    assert results[0][1] == pytest.approx(results[1][1], rel=1e-4, abs=1e-6)


def test_a_single_segment_that_does_not_fit_is_said(make_fit: Callable[..., Fit], tmp_path: Path):
    network = Hungry(3)
    network.most = 0
    with pytest.raises(DeviceMemoryError, match="Not even one segment"):
        make_fit(network).run(lambda network: Verdict(0, 0), tmp_path, ignore)


def test_a_loss_that_is_no_number_ends_it(make_fit: Callable[..., Fit], tmp_path: Path):
    network = SmallCnn(3)
    torch.nn.init.constant_(network.head.bias, float("nan"))
    with pytest.raises(DivergedError, match="loss became nan in epoch 1"):
        make_fit(network).run(lambda network: Verdict(0, 0), tmp_path, ignore)
    assert not (tmp_path / "checkpoint.pt").exists()


def test_frozen_layers_stay_as_they_are_and_a_new_head_learns(
    make_fit: Callable[..., Fit], tmp_path: Path
):
    network = SmallCnn(10)
    replace_head(network, 3)
    frozen = freeze(network, 2)
    before = {name: value.clone() for name, value in network.state_dict().items()}

    make_fit(network, frozen=frozen).run(lambda network: Verdict(0, 0), tmp_path, ignore)

    changed = {
        name for name, value in network.state_dict().items() if not torch.equal(value, before[name])
    }
    assert not any(name.startswith(("features.0.", "features.1.")) for name in changed)
    assert {"head.weight", "features.2.0.weight"} <= changed
    with pytest.raises(StartError, match="6 layers to freeze"):
        freeze(network, 7)


def test_rare_classes_weigh_more_within_bounds(data: Dataset):
    targets = np.repeat(np.eye(3, dtype=np.float32), [100, 25, 1], axis=0)
    weights = class_weights(targets)
    assert weights[1] / weights[0] == pytest.approx(2)
    assert weights[2] / weights[1] < 4
    assert (weights * targets.sum(axis=0)).sum() / len(targets) == pytest.approx(1)
    several = make_targets(data.clips[:2], data.labels)
    assert several.sum(axis=1).tolist() == [1, 1]


def test_the_body_of_audioset_hears_what_audioset_hears() -> None:
    source = read_audioset().eval()
    body = AudioSetBody(3, source).eval()
    samples = torch.rand((2, 48_000), generator=torch.Generator().manual_seed(1)) - 0.5
    with torch.inference_mode():
        logmels = source.front_end(normalise_level(samples))
        assert torch.equal(body.embed(logmels), source.classify(logmels)[1])
    assert [type(layer).__name__ for layer in body.layers()[-2:]] == ["Linear", "FeatureAttention"]
    assert len(freeze(body, 19)) == 19
