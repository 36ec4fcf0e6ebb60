"""Settings: `base` is shared; `single` (default), `dev`, `test` and `production` build on it.

Every value an installation may choose comes from an environment variable ``EARMARK_*`` declared
through `earmark.settings.env`, and is documented in ``docs/settings.md``.
"""
