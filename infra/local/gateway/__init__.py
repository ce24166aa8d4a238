"""The one port's API side: says which handler a request belongs to, and speaks AWS's two protocols for our own ones."""
