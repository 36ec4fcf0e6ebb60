"""`make fuzz`: the long run."""

import sys

from tests.fuzz.metadata import main

sys.exit(main())
