"""Classic learning over rows of features: what `features-svm` and `embedding-linear` share.

- `arrays`: trained models as named arrays, without pickles
- `models`: kernel machines, forests and linear models, applied in NumPy
- `classifier`: the backend class
- `rows`, `learning`: clips to rows, and rows to a model (training only, with scikit-learn)
"""
