"""The pipeline's steps, one file each: what is run in which container."""
