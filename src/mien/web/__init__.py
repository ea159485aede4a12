"""The page and its server: FastAPI, with NiceGUI's pages on it, on the user's own machine."""
