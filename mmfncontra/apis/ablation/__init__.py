"""Ablation studies: variants of a config over seeds, compared with their baseline."""
