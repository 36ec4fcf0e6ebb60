"""`make chaos`: the long run."""

import sys

from tests.chaos.drive import main

sys.exit(main())
