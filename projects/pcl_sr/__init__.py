"""Contrastive super-resolution (PCL-SR) in mmagic's own models."""
