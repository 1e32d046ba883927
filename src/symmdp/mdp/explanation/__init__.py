"""Why a model does not have a symmetry: the parameters that differ from their images."""
