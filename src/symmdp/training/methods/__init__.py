"""The methods that are compared: how each builds its policies, and what it adds to a gradient step."""
