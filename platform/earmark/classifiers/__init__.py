"""Which classifiers there are, and in which versions they have been used."""
