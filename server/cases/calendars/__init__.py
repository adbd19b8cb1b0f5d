"""The calendars of a city: which days are worked where, and when, by editions that never change.

``statutory`` (pure) knows what the law gives every year, ``sheet`` (pure) the CSV of a notice, ``store`` the editions
as rows, ``seeding`` those that every city begins with, ``moving`` the deadlines that a new edition moves. How time is
counted is ``server.cases.calendars.calendar``.
"""
