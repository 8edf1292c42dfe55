"""Checks of images before a training, and what a step on them costs."""
