"""`python -m cloudplow`."""

import sys

from cloudplow.start import main

if __name__ == "__main__":
    sys.exit(main())
