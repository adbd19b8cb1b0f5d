"""What of an area can change while its ground stays: its name, and the area that it is under.

Must not know which parents there are.
"""

from dataclasses import replace

from geo.redraw.layer import Layer, Redrawn, settle


def rename(sheet: Layer, code: str, name: str) -> Redrawn:
    """Give an area another name; its code is for life. Raises UnknownTract."""
    return settle(sheet, {code: replace(sheet[code], name=name)})


def reassign(sheet: Layer, code: str, parent_code: str | None) -> Redrawn:
    """Put an area under another parent. Raises UnknownTract."""
    return settle(sheet, {code: replace(sheet[code], parent_code=parent_code)})
