"""What others may keep of an answer: nothing, unless its route says so itself. Knows no route.

A shared computer's browser, a proxy or a phone's web view must not show one person's cases to the next. Routes whose
answers are asked for again and again say ``private, no-cache`` with an ETag, or, for what names its content in the
address, how long it holds. What is not for everybody is never kept for everybody: whatever a library wrote there.
"""

from flask import Flask, Response, current_app, request

NO_STORE = "no-store"


def keep_nothing(app: Flask) -> None:
    """Have every answer of an app, errors and redirects too, say ``no-store`` where its route said nothing else."""

    def add(response: Response) -> Response:
        kept = response.cache_control
        if "Cache-Control" not in response.headers or not (kept.private or kept.no_store or _is_for_everybody()):
            response.headers["Cache-Control"] = NO_STORE
        return response

    app.after_request(add)


def _is_for_everybody() -> bool:
    """Whether the route states that the public may call it."""
    view = current_app.view_functions.get(request.endpoint or "")
    statement: str = getattr(view, "access", "")
    return statement.startswith("public")
