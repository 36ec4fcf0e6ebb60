"""The panns-cnn14 classifier: contract, files that are missing or wrong, and its arithmetic.

The published file was never here. The network is tried with few channels and random values under
the published names, against the description of the paper written down once more.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from earmark_classifiers.panns import PannsCnn14
from earmark_classifiers.panns.classifier import FILE_NAME
from earmark_classifiers.panns.network import Cnn14, read_network
from earmark_plugin_api import ChecksAvailability, WeightsMissingError
from earmark_plugin_api.testing import parametrize_with_checks
from tests.unit.classifiers.small_panns import SmallPanns

CHANNELS = SmallPanns.channels
State = dict[str, Tensor]


def published_checkpoint() -> dict[str, object]:
    """What the published file is, with random values."""
    random = torch.Generator().manual_seed(0)

    def values(*shape: int) -> Tensor:
        return torch.randn(shape, generator=random)

    def norm(name: str, size: int) -> State:
        return {
            f"{name}.weight": 1 + 0.2 * values(size),
            f"{name}.bias": 0.1 * values(size),
            f"{name}.running_mean": 0.1 * values(size),
            f"{name}.running_var": 1 + 0.2 * values(size).abs(),
            f"{name}.num_batches_tracked": torch.tensor(7),
        }

    place = torch.arange(1024)
    angles = 2 * torch.pi * torch.outer(torch.arange(513), place) / 1024
    window = 0.5 - 0.5 * torch.cos(2 * torch.pi * place / 1024)
    state = {
        "spectrogram_extractor.stft.conv_real.weight": (angles.cos() * window)[:, None],
        "spectrogram_extractor.stft.conv_imag.weight": (-angles.sin() * window)[:, None],
        "logmel_extractor.melW": values(513, 64).abs() / 100,
    }
    state |= norm("bn0", 64)
    state["bn0.running_mean"] -= 10
    state["bn0.running_var"] *= 100
    before = 1
    for number, channels in enumerate(CHANNELS, start=1):
        for layer, inputs in ((1, before), (2, channels)):
            scale = (2 / (9 * inputs)) ** 0.5
            name = f"conv_block{number}"
            state[f"{name}.conv{layer}.weight"] = scale * values(channels, inputs, 3, 3)
            state |= norm(f"{name}.bn{layer}", channels)
        before = channels
    state["fc1.weight"], state["fc1.bias"] = values(16, 16) / 4, values(16) / 10
    state["fc_audioset.weight"], state["fc_audioset.bias"] = values(527, 16) / 4, values(527) - 4
    return {"iteration": 600_000, "model": state}


def reference(state: State, samples: Tensor) -> tuple[Tensor, Tensor]:
    """CNN14 as the paper has it, from the tensors of the published file, one by one."""

    def norm(x: Tensor, name: str) -> Tensor:
        shape = (1, -1, 1, 1)
        mean, var, weight, bias = (
            state[f"{name}.{part}"].view(shape)
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (var + 1e-5).sqrt() * weight + bias

    padded = functional.pad(samples[:, None], (512, 512), mode="reflect")
    real, imaginary = (
        functional.conv1d(
            padded, state[f"spectrogram_extractor.stft.conv_{part}.weight"], stride=320
        )
        for part in ("real", "imag")
    )
    mel = (real**2 + imaginary**2).transpose(1, 2) @ state["logmel_extractor.melW"]
    decibels = 10 * torch.log10(mel.clamp(min=1e-10))
    x = norm(decibels.transpose(1, 2)[..., None], "bn0").permute(0, 3, 2, 1)
    for number in range(1, 7):
        for layer in (1, 2):
            weight = state[f"conv_block{number}.conv{layer}.weight"]
            x = functional.conv2d(x, weight, padding=1)
            x = torch.relu(norm(x, f"conv_block{number}.bn{layer}"))
        if number < 6:
            x = functional.avg_pool2d(x, 2)
    x = x.mean(dim=3)
    x = x.max(dim=2).values + x.mean(dim=2)
    embedding = torch.relu(functional.linear(x, state["fc1.weight"], state["fc1.bias"]))
    logits = functional.linear(embedding, state["fc_audioset.weight"], state["fc_audioset.bias"])
    return logits, embedding


@pytest.fixture
def models_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of fetched weights."""
    monkeypatch.setenv("EARMARK_MODELS_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    torch.save(published_checkpoint(), folder / FILE_NAME)
    return folder


@parametrize_with_checks(
    [SmallPanns],
    exclude={"check_level_robustness": "a property of the real weights, which are not here"},
)
def test_cnn14_keeps_the_contract(  # type: ignore[no-untyped-def]
    check, random_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARMARK_MODELS_DIR", str(random_weights))
    check()


def test_the_network_computes_what_the_paper_describes(random_weights: Path) -> None:
    network = read_network(random_weights / FILE_NAME, CHANNELS, "panns-cnn14")
    time = torch.arange(48_000) / 32_000
    sounds = torch.stack((torch.sin(6_000 * time**2), torch.randn(48_000) / 20))
    with torch.inference_mode():
        logits, embeddings = network(sounds)
        checkpoint = published_checkpoint()["model"]
        assert isinstance(checkpoint, dict)
        expected = reference(checkpoint, sounds)
    torch.testing.assert_close(logits, expected[0], atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(embeddings, expected[1], atol=1e-3, rtol=1e-3)
    assert float(expected[0].std()) > 0.1  # they say something


def test_the_network_has_the_published_size() -> None:
    with torch.device("meta"):
        network = Cnn14(PannsCnn14.channels)
    assert sum(value.numel() for value in network.parameters()) == 80_753_615


def test_scores_and_embeddings_have_the_shapes_of_the_manifest(
    models_dir: Path, random_weights: Path
) -> None:
    (models_dir / FILE_NAME).symlink_to(random_weights / FILE_NAME)
    assert PannsCnn14().manifest.embedding_size == 2048
    classifier = SmallPanns()
    classifier.load()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 320_000)).astype(np.float32)
    result = classifier.predict(noise)
    assert result.scores.shape == (2, 527)
    assert result.embeddings is not None and result.embeddings.shape == (2, 16)


def test_missing_weights_are_told_with_the_command_that_gets_them(models_dir: Path) -> None:
    classifier = PannsCnn14()
    assert isinstance(classifier, ChecksAvailability)
    for action in (classifier.require_available, classifier.load):
        with pytest.raises(WeightsMissingError) as caught:
            action()
        assert caught.value.code == "weights_missing"
        assert "`earmark models pull panns-cnn14`" in str(caught.value)
        assert str(models_dir) in str(caught.value)


class Trap:
    """Runs code when unpickled by somebody careless."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):  # type: ignore[no-untyped-def]
        return (Path.touch, (self.target,))


@pytest.mark.parametrize(
    "content", ["another size", "another network", "truncated", "text", "trap"]
)
def test_a_file_that_is_not_the_published_one_is_refused(
    content: str, models_dir: Path, random_weights: Path
) -> None:
    path = models_dir / FILE_NAME
    real = (random_weights / FILE_NAME).read_bytes()
    classifier = SmallPanns()
    if content == "another size":
        path.write_bytes(real)
        classifier.channels = (2, *CHANNELS[1:])  # type: ignore[misc]
    elif content == "another network":
        torch.save({"model": {"stem.weight": torch.zeros(1)}}, path)
    elif content == "trap":
        torch.save({"model": Trap(models_dir / "sprung")}, path)
    else:
        path.write_bytes({"truncated": real[:-1000], "text": b"<html>"}[content])
    with pytest.raises(WeightsMissingError) as caught:
        classifier.load()
    assert caught.value.code == "weights_unusable"
    assert "`earmark models pull panns-cnn14`" in str(caught.value)
    assert not (models_dir / "sprung").exists()
