"""Everything that classifies: the engine, the pipeline from job to tagged file, and commands.

Importing this package is cheap and needs neither Django nor torch; a worker process imports
`earmark_workers.engine` only.
"""
