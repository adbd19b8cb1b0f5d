"""A month of a big city: thousands of cases through API and jobs by a moving clock, and whether all of it holds.

``Month`` lives it, by people who act by chance: phones (``field``), the duty desk (``duty``) and bodies (``bodies``).
``agreeing`` asks afterwards, and ``painted`` is the other way to count the clocks.
"""
