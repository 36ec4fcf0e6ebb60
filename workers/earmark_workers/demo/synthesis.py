"""Sounds by formula: pure functions from a seeded generator and a rate to samples.

Every function returns mono float32 within [-1, 1]; lengths are in seconds, frequencies in hertz.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
Rng = np.random.Generator


def _time(seconds: float, rate: int) -> npt.NDArray[np.float64]:
    return np.arange(round(seconds * rate)) / rate


def _finish(signal: npt.NDArray[np.float64], peak: float = 0.6) -> Samples:
    """Scale to `peak` and fade 5 ms in and out, so that no edge clicks."""
    loudest = float(np.abs(signal).max(initial=0.0))
    scaled = signal * (peak / loudest) if loudest else signal
    fade = min(220, len(scaled) // 2)
    if fade:
        ramp = np.linspace(0.0, 1.0, fade)
        scaled[:fade] *= ramp
        scaled[-fade:] *= ramp[::-1]
    return scaled.astype(np.float32)


def tones(frequencies: Sequence[float], seconds: float, rate: int) -> Samples:
    """Sum of steady sines."""
    t = _time(seconds, rate)
    return _finish(np.sum([np.sin(2 * np.pi * f * t) for f in frequencies], axis=0))


def gated(sound: Samples, pattern: Sequence[tuple[float, float]], rate: int) -> Samples:
    """Switch `sound` by a repeating `pattern` of (seconds on, seconds off)."""
    gate = np.concatenate(
        [np.repeat([1.0, 0.0], [round(on * rate), round(off * rate)]) for on, off in pattern]
    )
    ramp = np.ones(max(1, rate // 500)) / max(1, rate // 500)
    return (sound * np.convolve(np.resize(gate, len(sound)), ramp, "same")).astype(np.float32)


def dial_tone(seconds: float, rate: int) -> Samples:
    """North American dial tone, 350 and 440 Hz (ITU-T E.180)."""
    return tones((350, 440), seconds, rate)


def busy_tone(seconds: float, rate: int) -> Samples:
    """North American busy tone, 480 and 620 Hz, half a second on and off (ITU-T E.180)."""
    return gated(tones((480, 620), seconds, rate), [(0.5, 0.5)], rate)


def ringback(seconds: float, rate: int) -> Samples:
    """North American ringing tone, 440 and 480 Hz, 2 s on and 4 s off (ITU-T E.180)."""
    return gated(tones((440, 480), seconds, rate), [(2.0, 4.0)], rate)


def alarm_clock(seconds: float, rate: int) -> Samples:
    """Four short 2 kHz beeps a second, then a rest."""
    t = _time(seconds, rate)
    beep = np.sin(2 * np.pi * 2048 * t) + 0.3 * np.sin(2 * np.pi * 3 * 2048 * t)
    return gated(_finish(beep), [(0.07, 0.06)] * 3 + [(0.07, 0.54)], rate)


def smoke_alarm(seconds: float, rate: int) -> Samples:
    """Three half-second 3.1 kHz blasts and a pause (temporal-three, ISO 8201)."""
    t = _time(seconds, rate)
    blast = np.tanh(4 * np.sin(2 * np.pi * 3100 * t))
    return gated(_finish(blast), [(0.5, 0.5), (0.5, 0.5), (0.5, 1.5)], rate)


def siren(seconds: float, rate: int, *, period: float = 4.0) -> Samples:
    """A wail that sweeps between 600 and 1400 Hz."""
    t = _time(seconds, rate)
    frequency = 1000 - 400 * np.cos(2 * np.pi * t / period)
    phase = 2 * np.pi * np.cumsum(frequency) / rate
    return _finish(np.sin(phase) + 0.5 * np.sin(2 * phase) + 0.25 * np.sin(3 * phase))


def buzzer(seconds: float, rate: int) -> Samples:
    """A harsh 120 Hz buzz."""
    t = _time(seconds, rate)
    return _finish(
        np.tanh(6 * np.sin(2 * np.pi * 120 * t)) + 0.4 * np.sign(np.sin(2 * np.pi * 60 * t))
    )


def white_noise(rng: Rng, seconds: float, rate: int) -> Samples:
    """Equal power at all frequencies."""
    return _finish(rng.standard_normal(round(seconds * rate)), 0.5)


def coloured_noise(rng: Rng, seconds: float, rate: int, *, slope: float) -> Samples:
    """Noise whose amplitude falls with frequency ** `slope` (0.5 pink, 1 brown)."""
    spectrum = np.fft.rfft(rng.standard_normal(round(seconds * rate)))
    bins = np.arange(len(spectrum), dtype=float)
    bins[0] = 1.0
    return _finish(np.fft.irfft(spectrum / bins**slope, round(seconds * rate)))


def wind(rng: Rng, seconds: float, rate: int) -> Samples:
    """Dark noise that swells and falls."""
    t = _time(seconds, rate)
    swell = 0.55 + 0.3 * np.sin(2 * np.pi * 0.21 * t) + 0.15 * np.sin(2 * np.pi * 0.57 * t + 1)
    return _finish(coloured_noise(rng, seconds, rate, slope=0.9) * swell)


def rain(rng: Rng, seconds: float, rate: int) -> Samples:
    """Very many small drops on a hiss."""
    drops = rng.standard_normal(round(seconds * rate)) * (rng.random(round(seconds * rate)) < 0.02)
    decay = np.exp(-np.arange(rate // 200) / (rate / 1500))
    hiss = 0.15 * rng.standard_normal(len(drops))
    return _finish(np.convolve(drops, decay, "same") + hiss)


def clicks(rng: Rng, seconds: float, rate: int, *, per_second: float = 2.0) -> Samples:
    """A dry tick at even intervals, as of a clock."""
    signal = np.zeros(round(seconds * rate))
    length = rate // 60
    envelope = np.exp(-np.arange(length) / (rate / 900))
    ring = np.sin(2 * np.pi * 3200 * np.arange(length) / rate)
    for start in np.arange(0.1, seconds - 0.1, 1 / per_second):
        at = round(start * rate)
        signal[at : at + length] += envelope * (ring + 0.6 * rng.standard_normal(length))
    return _finish(signal)


def pluck(rng: Rng, frequency: float, seconds: float, rate: int) -> Samples:
    """A plucked string (Karplus and Strong, Computer Music Journal 7(2), 1983).

    The delay line is run one period at a time; within a period every sample depends on the
    previous period only.
    """
    period = max(2, round(rate / frequency))
    line = rng.uniform(-1, 1, period)
    periods = -(-round(seconds * rate) // period)
    out = np.empty(periods * period)
    for index in range(periods):
        out[index * period : (index + 1) * period] = line
        line = 0.498 * (line + np.roll(line, 1))
    return _finish(out[: round(seconds * rate)])


def strum(rng: Rng, seconds: float, rate: int, *, notes: Sequence[float]) -> Samples:
    """Strings plucked one after the other, again and again, and left to ring."""
    signal = np.zeros(round(seconds * rate))
    for number, start in enumerate(np.arange(0.0, seconds - 0.3, 0.28)):
        note = pluck(rng, notes[number % len(notes)], min(2.5, seconds - start), rate)
        at = round(start * rate)
        signal[at : at + len(note)] += note[: len(signal) - at]
    return _finish(signal)


def bell(seconds: float, rate: int, *, strike: float = 440.0) -> Samples:
    """A church bell: the classic inharmonic partials, the higher ones gone sooner."""
    t = _time(seconds, rate)
    partials = ((0.5, 1.0, 6.0), (1.0, 0.9, 4.0), (1.2, 0.6, 3.0), (1.5, 0.4, 2.5), (2.0, 0.7, 2.0))
    higher = ((2.67, 0.4, 1.2), (3.01, 0.3, 1.0), (4.17, 0.25, 0.6), (5.43, 0.2, 0.4))
    parts = [
        level * np.exp(-t / decay) * np.sin(2 * np.pi * strike * ratio * t)
        for ratio, level, decay in partials + higher
    ]
    return _finish(np.sum(parts, axis=0))


def whistle(seconds: float, rate: int) -> Samples:
    """A breathy tune on two notes with vibrato."""
    t = _time(seconds, rate)
    steps = np.where((t % 1.2) < 0.6, 1500.0, 1900.0)
    frequency = np.convolve(steps, np.ones(rate // 20) / (rate // 20), "same")
    vibrato = 1 + 0.012 * np.sin(2 * np.pi * 6 * t)
    return _finish(np.sin(2 * np.pi * np.cumsum(frequency * vibrato) / rate))


def birds(rng: Rng, seconds: float, rate: int) -> Samples:
    """Short falling and rising chirps with pauses."""
    signal = np.zeros(round(seconds * rate))
    start = 0.2
    while start < seconds - 0.3:
        length = rng.uniform(0.06, 0.18)
        t = _time(length, rate)
        low, high = rng.uniform(2500, 3500), rng.uniform(4000, 6000)
        sweep = np.interp(t, [0, length / 2, length], [low, high, low])
        chirp = np.hanning(len(t)) * np.sin(2 * np.pi * np.cumsum(sweep) / rate)
        at = round(start * rate)
        signal[at : at + len(chirp)] += chirp
        start += length + rng.choice([0.04, 0.06, 0.7])
    return _finish(signal)


def engine(rng: Rng, seconds: float, rate: int) -> Samples:
    """An idling motor: an uneven 28 Hz pulse train with noise in every stroke."""
    t = _time(seconds, rate)
    phase = np.cumsum(28 * (1 + 0.03 * np.sin(2 * np.pi * 1.7 * t))) / rate
    stroke = np.exp(-8 * (phase % 1.0))
    body = np.sum([np.sin(2 * np.pi * k * phase) / k for k in range(1, 12)], axis=0)
    return _finish(body + 0.7 * stroke * coloured_noise(rng, seconds, rate, slope=0.5))


def silence(seconds: float, rate: int) -> Samples:
    """Nothing at all."""
    return np.zeros(round(seconds * rate), np.float32)


def events_in_noise(rng: Rng, seconds: float, rate: int) -> Samples:
    """A long quiet bed with a bell, a siren and an alarm clock in it, far apart."""
    bed = 0.05 * coloured_noise(rng, seconds, rate, slope=0.7)
    for share, event in (
        (0.15, bell(6.0, rate)),
        (0.5, siren(9.0, rate)),
        (0.85, alarm_clock(7.0, rate)),
    ):
        at = round(share * len(bed))
        bed[at : at + len(event)] += event
    return _finish(bed.astype(np.float64), peak=0.6)
