import sys
from pathlib import Path

# The toy GAN of the tests of `apis` is trained here too.
sys.path.insert(0, str(Path(__file__).parents[1] / 'apis'))
