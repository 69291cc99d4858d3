"""Flask: the page and every route but the stream."""
