"""A drop-in for IBM's container MAX-Audio-Classifier: its addresses, its fields, its errors.

Programs written for that container run unchanged; what differs is in ``docs/max.md``.
"""
