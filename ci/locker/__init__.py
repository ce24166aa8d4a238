"""The container that locks a service's dependencies: reads them in every form that people keep, and asks uv."""
