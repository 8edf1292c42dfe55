"""Optimisers of a training: one for each network, mixed precision, learning rates."""
