"""From a queued job to a tagged file: claim, classify, tag, write; the database side of the work.

One process runs this and owns the database; `earmark_workers.engine` computes.
"""
