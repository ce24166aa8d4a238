"""The embedded engine: serves the part of Dagger's GraphQL API that pipelines use, over Docker."""
