"""Entry of the child process: ``python -m earmark_files.guard``."""

from __future__ import annotations

from earmark_files.guard.child import main

main()
