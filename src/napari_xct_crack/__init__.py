"""Find cracks in X-ray CT of metal 3-D prints without labelling a voxel."""

__version__ = "0.1.0"
