"""What may be combined, and pages of the documentation that say so."""
