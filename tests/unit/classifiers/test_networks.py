"""Front end and body: against an independent computation, and against the published network.

The comparison with the published network runs where its files are:

- ``EARMARK_EFFICIENTAT_WEIGHTS``: the state dict ``mn04_as_mAP_432.pt``;
- beside it ``mn04_reference.npz`` (clip_id, logits, embedding);
- ``EARMARK_CORPUS``: the folder of the clips the reference was made from, with ``manifest.csv``
  (clip_id, path).
"""

from __future__ import annotations

import csv
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr
import torch

from earmark_classifiers.networks.logmel import LogMel
from earmark_classifiers.networks.logmel_spec import (
    EFFICIENTAT,
    LogMelSpec,
    hertz_to_mel,
    low_part,
    mel_filters,
)
from earmark_classifiers.networks.mobilenet import (
    MobileNetBody,
    MobileNetTagger,
    from_published,
    fuse_batch_norms,
    round_channels,
    unfold_batch_norms,
)

Floats = npt.NDArray[np.float64]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Several threads on a busy machine wait for each other longer than they compute."""
    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(usual)


SMALL = LogMelSpec(16_000, fft=512, window=400, hop=160, bands=40, low=50.0, high=7_500.0)


def reference_logmel(
    samples: Floats,
    spec: LogMelSpec,
    preemphasis: float = 0.97,
    power: int = 2,
    area_normalised: bool = False,
) -> Floats:
    """The front end frame by frame in float64, from its description and not from our code."""
    emphasised = samples[1:] - preemphasis * samples[:-1]
    half = spec.fft // 2
    padded = np.concatenate([emphasised[half:0:-1], emphasised, emphasised[-2 : -half - 2 : -1]])
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(spec.window) / (spec.window - 1))
    margin = (spec.fft - spec.window) // 2
    frames = []
    for start in range(0, len(padded) - spec.fft + 1, spec.hop):
        frame = np.zeros(spec.fft)
        heard = padded[start + margin : start + margin + spec.window]
        frame[margin : margin + spec.window] = heard * hann
        spectrum = np.abs(np.fft.rfft(frame)) ** power
        frames.append(np.log(_triangles(spec, area_normalised) @ spectrum + 1e-5))
    return (np.array(frames).T + 4.5) / 5


@functools.cache
def _triangles(spec: LogMelSpec, area_normalised: bool) -> Floats:
    def mel(hertz: float) -> float:
        return 1127 * float(np.log(1 + hertz / 700))

    step = (mel(spec.high) - mel(spec.low)) / (spec.bands + 1)
    weights = np.zeros((spec.bands, spec.fft // 2 + 1))
    for band in range(spec.bands):
        centre = mel(spec.low) + (band + 1) * step
        for k in range(spec.fft // 2):  # the Nyquist column stays zero
            distance = abs(mel(k * spec.sample_rate / spec.fft) - centre)
            weights[band, k] = max(0.0, 1 - distance / step)
        if area_normalised:
            weights[band] /= max(weights[band].sum(), 1e-9)
    return weights


def sound(spec: LogMelSpec, seconds: float = 0.3) -> Floats:
    """A glide with noise under it, so that every band has something to hear."""
    t = np.arange(round(seconds * spec.sample_rate)) / spec.sample_rate
    glide = np.sin(2 * np.pi * (200 * t + 0.4 * spec.sample_rate / seconds * t**2 / 2))
    return 0.4 * glide + 0.01 * np.random.default_rng(0).standard_normal(len(t))


def our_logmel(samples: Floats, spec: LogMelSpec) -> Floats:
    with torch.inference_mode():
        logmel = LogMel(spec)(torch.from_numpy(samples).float()[None])
    return np.asarray(logmel[0, 0].double().numpy())


@pytest.mark.parametrize("spec", [EFFICIENTAT, SMALL], ids=["efficientat", "small"])
def test_logmel_equals_an_independent_computation(spec: LogMelSpec) -> None:
    samples = sound(spec)
    ours = our_logmel(samples, spec)
    assert ours.shape == (spec.bands, spec.frames(len(samples)))
    np.testing.assert_allclose(ours, reference_logmel(samples, spec), atol=2e-4)


@pytest.mark.parametrize(
    "mistaken",
    [
        lambda x: reference_logmel(x, EFFICIENTAT, preemphasis=0.0),
        lambda x: reference_logmel(x, EFFICIENTAT, power=1),
        lambda x: reference_logmel(x, EFFICIENTAT, area_normalised=True),
        lambda x: reference_logmel(
            x, LogMelSpec(32_000, fft=1024, window=800, hop=320, bands=128, low=0.0, high=16_000.0)
        ),
        lambda x: reference_logmel(32_768 * x, EFFICIENTAT),
    ],
    ids=["no pre-emphasis", "magnitude", "area-normalised", "16 kHz", "integers"],
)
def test_the_usual_mistakes_would_be_noticed(mistaken: Callable[[Floats], Floats]) -> None:
    samples = sound(EFFICIENTAT)
    difference = np.abs(our_logmel(samples, EFFICIENTAT) - mistaken(samples)).max()
    assert difference > 0.05


def test_a_batch_of_logmels_is_each_by_itself() -> None:
    batch = torch.from_numpy(np.stack([sound(SMALL), -0.5 * sound(SMALL)])).float()
    front_end = LogMel(SMALL)
    together = front_end(batch)
    torch.testing.assert_close(together[1:], front_end(batch[1:]))


def test_gradients_flow_through_the_front_end() -> None:
    samples = torch.from_numpy(sound(SMALL)).float()[None].requires_grad_()
    LogMel(SMALL)(samples).sum().backward()
    assert samples.grad is not None and bool(torch.isfinite(samples.grad).all())
    assert float(samples.grad.abs().max()) > 0


@pytest.mark.parametrize(("hertz", "mel"), [(0.0, 0.0), (1_000.0, 999.99), (15_000.0, 3_505.4)])
def test_the_mel_scale_is_the_htk_one(hertz: float, mel: float) -> None:
    assert float(hertz_to_mel(hertz)) == pytest.approx(mel, abs=0.5)


def test_mel_triangles_are_not_normalised_and_end_before_nyquist() -> None:
    filters = mel_filters(EFFICIENTAT)
    assert filters.shape == (128, 513)
    assert float(filters.min()) == 0.0 and 0.9 < float(filters.max()) <= 1.0
    assert not filters[:, -1].any()
    above = round(15_000 / 32_000 * 1024) + 1
    assert not filters[:, above:].any()


@pytest.mark.parametrize(
    ("value", "rounded"), [(6.4, 8), (9.6, 16), (16.0, 16), (28.8, 32), (44.8, 48), (512.0, 512)]
)
def test_channels_are_multiples_of_eight_and_never_below_nine_tenths(
    value: float, rounded: int
) -> None:
    assert round_channels(value) == rounded


@pytest.mark.parametrize(("width", "parameters", "embedding"), [(0.4, 983_599, 384)])
def test_the_tagger_has_the_published_size(width: float, parameters: int, embedding: int) -> None:
    tagger = MobileNetTagger(width)
    assert sum(p.numel() for p in tagger.parameters()) == parameters
    assert tagger.channels == embedding


def test_the_body_shrinks_frequency_and_time_thirty_two_times() -> None:
    body = MobileNetBody(0.4).eval()
    with torch.inference_mode():
        assert body(torch.zeros(1, 1, 128, 320)).shape == (1, 384, 4, 10)


def _with_lived_in_batch_norms(tagger: MobileNetTagger) -> MobileNetTagger:
    """Give batch norms other statistics than the neutral ones they start with."""
    generator = torch.Generator().manual_seed(0)
    for module in tagger.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.uniform_(-0.2, 0.2, generator=generator)
            module.running_var.uniform_(0.5, 2.0, generator=generator)
            with torch.no_grad():
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.uniform_(-0.2, 0.2, generator=generator)
    return tagger.eval()


def test_folding_batch_norms_changes_no_output() -> None:
    torch.manual_seed(0)
    tagger = _with_lived_in_batch_norms(MobileNetTagger(0.4, classes=5))
    logmels = torch.randn(2, 1, 128, 96, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        logits, embedding = tagger(logmels)
        folded = fuse_batch_norms(tagger)
        assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded.modules())
        folded_logits, folded_embedding = folded(logmels)
    torch.testing.assert_close(folded_logits, logits, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(folded_embedding, embedding, atol=1e-4, rtol=1e-4)


def test_a_folded_network_gets_batch_norms_back_that_change_no_output() -> None:
    torch.manual_seed(0)
    folded = fuse_batch_norms(_with_lived_in_batch_norms(MobileNetTagger(0.4, classes=5)))
    logmels = torch.randn(4, 1, 128, 96, generator=torch.Generator().manual_seed(1))
    unfolded = unfold_batch_norms(folded, MobileNetTagger(0.4, classes=5), logmels.split(2))
    with torch.inference_mode():
        expected, _ = folded(logmels)
        torch.testing.assert_close(unfolded.eval()(logmels)[0], expected, atol=1e-3, rtol=1e-3)
        # In training the norms find what they were given, so nothing jumps.
        learning = unfolded.train()(logmels)[0]
    torch.testing.assert_close(learning, expected, atol=0.05, rtol=0.05)


def test_the_low_part_of_a_front_end_hears_the_same_at_half_the_rate() -> None:
    rng = np.random.default_rng(0)
    samples = rng.standard_normal(64_000) * 0.1
    halved = soxr.resample(samples, 32_000, 16_000, "VHQ")
    whole, low = (
        LogMel(spec)(torch.from_numpy(sound[None]).float())
        for spec, sound in ((EFFICIENTAT, samples), (low_part(EFFICIENTAT, 104), halved))
    )
    assert low.shape == (1, 1, 104, 200)
    passed = 94  # bands below the edge of the resampler's low-pass
    difference = (low - whole[:, :, :104])[:, :, :passed].abs()
    assert difference.mean() < 0.01


def test_published_names_become_ours() -> None:
    value = torch.zeros(1)
    renamed = from_published(
        {
            "features.4.block.2.conc_se_layers.0.fc1.weight": value,
            "features.0.0.weight": value,
            "classifier.2.weight": value,
            "classifier.5.bias": value,
        }
    )
    assert set(renamed) == {
        "features.4.block.2.fc1.weight",
        "features.0.0.weight",
        "classifier.0.weight",
        "classifier.2.bias",
    }


def _published_files() -> tuple[Path, Path, Path]:
    weights, corpus = (os.environ.get(f"EARMARK_{n}") for n in ("EFFICIENTAT_WEIGHTS", "CORPUS"))
    if not weights or not corpus:
        pytest.skip(
            "the published network is not part of the repository: set EARMARK_EFFICIENTAT_WEIGHTS "
            "(mn04_as_mAP_432.pt, mn04_reference.npz beside it) and EARMARK_CORPUS to compare"
        )
    return Path(weights), Path(weights).with_name("mn04_reference.npz"), Path(corpus)


def test_logits_and_embeddings_equal_the_published_ones() -> None:
    weights, reference_path, corpus = _published_files()
    tagger = MobileNetTagger(0.4)
    tagger.load_state_dict(from_published(torch.load(weights, weights_only=True)))
    tagger.eval()
    front_end = LogMel(EFFICIENTAT)
    reference = np.load(reference_path)
    with (corpus / "manifest.csv").open(encoding="utf-8", newline="") as file:
        paths = {row["clip_id"]: corpus / row["path"] for row in csv.DictReader(file)}
    for clip, logits, embedding in zip(
        reference["clip_id"], reference["logits"], reference["embedding"], strict=True
    ):
        stored, rate = soundfile.read(paths[clip], dtype="float32", always_2d=True)
        samples = soxr.resample(stored.mean(axis=1), rate, EFFICIENTAT.sample_rate, quality="HQ")
        with torch.inference_mode():
            our_logits, our_embedding = tagger(front_end(torch.from_numpy(samples)[None]))
        np.testing.assert_allclose(our_logits[0], logits, atol=1e-3, err_msg=f"logits of {clip}")
        np.testing.assert_allclose(our_embedding[0], embedding, atol=1e-3, err_msg=clip)
