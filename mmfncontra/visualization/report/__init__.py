"""A report on trainings: one HTML page."""
