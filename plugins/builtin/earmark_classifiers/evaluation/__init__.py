"""How good a classifier is: figures, comparison, pictures and reports.

- `metrics`: figures from scores and truth; NumPy only
- `calibration`: whether a confidence can be believed
- `resampling`: how sure a figure is, and whether two classifiers differ
"""
