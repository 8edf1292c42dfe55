"""How good and how new generated images are."""
