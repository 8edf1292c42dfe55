"""What a training logs, without waiting for the device and without filling the disk."""
