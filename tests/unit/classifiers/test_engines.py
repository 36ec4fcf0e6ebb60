"""What computes the networks: torch with its devices and memory, ONNX Runtime, and their graphs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from earmark_classifiers.audioset import AudioSetClassifier
from earmark_classifiers.audioset.listening import FRONT_END, make_front_end
from earmark_classifiers.audioset.network import AudioSetNetwork
from earmark_classifiers.networks.logmel import LogMel
from earmark_classifiers.networks.logmel_numpy import NumpyLogMel
from earmark_classifiers.networks.logmel_spec import LogMelSpec, low_part
from earmark_classifiers.networks.onnx_graph import share_weights, to_onnx
from earmark_classifiers.onnx_backend import OnnxEngine
from earmark_classifiers.torch_backend import TorchEngine
from earmark_plugin_api import OutOfDeviceMemoryError

Floats = npt.NDArray[np.float32]


def windows(rows: int, samples: int = 160_000) -> Floats:
    """Sounds between hiss and hum, loud and quiet."""
    rng = np.random.default_rng(3)
    white = rng.standard_normal((rows, samples))
    colour = np.fft.rfft(white) / np.arange(1, samples // 2 + 2) ** rng.uniform(0, 1, (rows, 1))
    sounds = np.fft.irfft(colour)
    sounds *= 10 ** rng.uniform(-1.5, 0, (rows, 1)) / np.abs(sounds).max(axis=1, keepdims=True)
    return sounds.astype(np.float32)


def odd_windows() -> Floats:
    """What recordings are besides: clipped, clicking, an offset, a glide, a tail, silence."""
    time = np.arange(160_000) / 32_000
    rng = np.random.default_rng(4)
    tone = np.sin(2 * np.pi * 440 * time)
    clicks = (rng.random(len(time)) < 1e-4) * rng.uniform(-1, 1, len(time))
    glide = 0.3 * np.sin(2 * np.pi * (40 * time + 1_500 * time**2))
    tail = rng.standard_normal(len(time)) * np.exp(-3 * time) * (time < 2)
    sounds = (np.sign(tone), clicks, 0.5 + 0.01 * tone, glide, tail / 4, 1e-4 * tone, 0 * time)
    return np.array(sounds, np.float32)


class Cramped(nn.Module):
    """A network whose device has room for a few windows only."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room
        self.tried: list[int] = []

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        self.tried.append(len(samples))
        if len(samples) > self.room:
            raise torch.OutOfMemoryError("out of memory")
        return samples[:, :3], samples[:, :2]


@pytest.mark.parametrize("rows", [1, 2, 7, 16])
def test_batches_are_halved_until_they_fit_and_stay_so(rows: int) -> None:
    network = Cramped(room=2)
    engine = TorchEngine(network, "cpu")
    sounds = windows(rows, 8)
    logits, embeddings = engine(sounds)
    assert np.array_equal(logits, sounds[:, :3])
    assert np.array_equal(embeddings, sounds[:, :2])
    network.tried.clear()
    engine(sounds)
    assert max(network.tried) <= 2


def test_a_window_that_does_not_fit_is_told() -> None:
    with pytest.raises(OutOfDeviceMemoryError, match="not even one window"):
        TorchEngine(Cramped(room=0), "cpu")(windows(5, 8))


def test_the_front_end_is_never_computed_in_half_precision() -> None:
    front_end = LogMel(FRONT_END)
    time = torch.arange(160_000) / 32_000
    loud = torch.sign(torch.sin(2 * torch.pi * 1_000 * time))[None]  # its power is above 65504
    with torch.autocast("cpu", torch.float16):
        halved = front_end(loud)
    assert halved.dtype == torch.float32
    assert torch.equal(halved, front_end(loud))


def test_half_precision_changes_no_score_by_a_hundredth() -> None:
    classifier = AudioSetClassifier()
    network = classifier.make_network()
    sounds = torch.from_numpy(windows(4))
    with torch.inference_mode():
        whole = network(sounds)[0]
        with torch.autocast("cpu", torch.float16):
            halved = network(sounds)[0]
    scores = [classifier.to_scores(logits.float().numpy()) for logits in (whole, halved)]
    assert np.abs(scores[0] - scores[1]).max() < 0.01


@pytest.mark.parametrize("spec", [FRONT_END, low_part(FRONT_END, 104)])
@pytest.mark.parametrize("samples", [64_000, 63_999, 40_001, 1_000])
def test_the_front_end_in_numpy_is_the_one_in_torch(spec: LogMelSpec, samples: int) -> None:
    sounds = windows(3, 64_000)[:, :samples]
    expected = LogMel(spec)(torch.from_numpy(sounds)).numpy()
    logmels = NumpyLogMel(spec)(sounds)
    assert logmels.dtype == np.float32
    assert logmels.shape == expected.shape == (3, 1, spec.bands, spec.frames(samples))
    assert np.abs(logmels - expected).max() < 1e-4


def test_a_graph_computes_what_its_network_computes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = AudioSetNetwork().eval()
    save_file(network.state_dict(), tmp_path / "net.safetensors")
    whole = to_onnx(network)
    shared = share_weights(whole, tmp_path / "net.safetensors")
    assert len(shared) < len(whole) / 20
    (tmp_path / "net.onnx").write_bytes(shared)
    sounds = windows(7)
    logits, embeddings = OnnxEngine(tmp_path / "net.onnx", make_front_end(), rows=4)(sounds)
    with torch.inference_mode():
        expected = network(torch.from_numpy(sounds))
    assert logits == pytest.approx(expected[0].numpy(), abs=1e-4)
    assert embeddings == pytest.approx(expected[1].numpy(), abs=1e-4)


def test_both_ways_of_computing_audioset_give_the_same_scores() -> None:
    classifier = AudioSetClassifier()
    sounds = np.concatenate((windows(5), odd_windows()))
    by_torch, embeddings = TorchEngine(classifier.make_network(), "cpu", 8)(sounds)
    by_onnx, also = classifier.make_engine("cpu")(sounds)
    difference = classifier.to_scores(by_torch) - classifier.to_scores(by_onnx)
    assert np.abs(difference).max() < 1e-3
    assert also == pytest.approx(embeddings, abs=1e-3)


def test_audioset_on_the_cpu_does_without_torch() -> None:
    program = (
        "import sys, numpy as np\n"
        "from earmark_classifiers.audioset import AudioSetClassifier\n"
        "classifier = AudioSetClassifier()\n"
        "classifier.load()\n"
        "classifier.predict(np.full((1, 160000), 0.5, np.float32))\n"
        "print('torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "False"), done.stderr
