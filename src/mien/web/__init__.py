"""The page and its server: FastAPI and Jinja templates, on the user's own machine."""
