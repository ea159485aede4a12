"""The WebSockets: `/ws/camera` takes a browser's pictures in, `/ws/watch` shows a source of the server."""
