"""The sound of files itself: streamed to listeners, and drawn as waveforms and spectrograms.

- `opening`: a file is opened inside its library or not at all
- `ranges`, `streaming`: what of it is asked for, and sending that in constant memory
- `peaks`, `spectrogram`, `png`: pure reductions of samples
- `drawing`: who decodes, how many at once, and what is kept of it (`cache`)
"""
