"""The folder of real recordings, which the project doesn't ship."""

import os
from pathlib import Path

DATA = Path(os.environ.get("PEAKCAST_DATA") or os.devnull)
"""Where none is named nothing is found there, and tests that need a recording are skipped."""
