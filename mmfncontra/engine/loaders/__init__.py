"""Data loaders that resume anywhere, and images that wait on the device."""
