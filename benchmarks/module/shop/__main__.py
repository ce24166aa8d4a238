"""Serve the shop."""

from wsgiref.simple_server import make_server

from shop import app

make_server("0.0.0.0", 5000, app).serve_forever()
