"""Procedural images: shells drawn from a formula."""
