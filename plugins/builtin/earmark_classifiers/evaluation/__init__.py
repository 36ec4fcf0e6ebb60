"""How good a classifier is, and what sounds look like: figures, comparison, pictures. No Django.

- `metrics`: figures from scores and truth; NumPy only
- `calibration`: whether a confidence can be believed
- `resampling`: how sure a figure is, and whether two classifiers differ
- `mapping`: which labels of a classifier stand for the classes of the data
- `judging`: what one classifier made of labelled clips
- `census`: what a set of labelled sounds is like, and what is wrong with it
- `anatomy`: what a sound looks like, in constant memory
- `drawing`, `pictures`, `sound_picture`, `dataset_picture`: the pictures
"""
