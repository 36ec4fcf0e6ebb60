"""Training classifiers from people's own sounds; what several backends share.

- `data`: which sounds have which labels, and how they are split
- `sounds`: the sounds themselves, decoded once
- `trainers`: what a backend implements so that ``earmark train`` can train it
- `session`: from a folder of sounds to an installed classifier
"""
