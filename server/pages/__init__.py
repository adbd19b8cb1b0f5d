"""The browser pages as Vite built them: serves files, headers and nothing else. Knows no data and no rule."""

from server.pages.routes import blueprint

__all__ = ["blueprint"]
