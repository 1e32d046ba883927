"""Set a simulator to states and to their images, step both, and report what differs."""
