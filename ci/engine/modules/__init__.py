"""Python modules: their configuration, the interpreter each one runs in, and the process that calls their functions."""
