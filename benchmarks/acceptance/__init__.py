"""The checks of ``gpu_acceptance.py``, one a file, and what runs them."""
