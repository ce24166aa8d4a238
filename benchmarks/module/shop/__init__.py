"""A shop of one page."""


def app(environ, start_response):
    """Answer every request with the same page."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"welcome"]
