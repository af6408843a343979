"""What the gateway tells about its own running: logs."""
