"""How processes start, stop and agree."""
