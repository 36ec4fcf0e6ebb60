"""The classify engine: worker processes that turn paths into scores, without Django.

`pool` runs in the process that owns the database, `child` is the worker process, `messages` is
what they say to each other, `batching` is the pure part.
"""
