"""What a symmetry does to data, losses, environments and networks."""
