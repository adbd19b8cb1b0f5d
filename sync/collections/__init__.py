"""The synced collections, one module each; the engine reads what they declare and names none of them."""

from sync.collections.attachments import ATTACHMENTS
from sync.collections.collection import Collection, Doc
from sync.collections.households import HOUSEHOLDS
from sync.collections.issues import ISSUES
from sync.collections.steps import TAKEN_STEPS
from sync.collections.tasks import TASKS
from sync.collections.visits import VISITS

COLLECTIONS: dict[str, Collection] = {
    each.name: each for each in (VISITS, ISSUES, HOUSEHOLDS, TASKS, ATTACHMENTS, TAKEN_STEPS)
}

__all__ = ["COLLECTIONS", "Collection", "Doc"]
