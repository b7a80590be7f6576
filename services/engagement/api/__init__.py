"""The service over HTTP. Handlers decode, hand the request to the desk, and await its answer."""
