import sys
from pathlib import Path

# The toy generator of the tests of `apis` is sampled here too.
sys.path.insert(0, str(Path(__file__).parents[1] / 'apis'))
