"""Finding sounds: words, filters, facets, likeness, and the place of a file."""
