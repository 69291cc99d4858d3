"""`python3 cloudplow.py upload`, as older installations write it: the same as `cloudplow upload`."""

import sys

from cloudplow.cli import main

sys.exit(main())
