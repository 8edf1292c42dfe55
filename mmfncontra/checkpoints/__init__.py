"""What stands inside and around a ``.pth`` file."""
