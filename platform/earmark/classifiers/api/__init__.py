"""The REST API of classifiers."""
