"""`python3 cloudplow.py run` or `upload`, as older installations write it: the same as `cloudplow run`."""

import sys

from cloudplow.start import main

sys.exit(main())
