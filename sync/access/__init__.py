"""Who may do and see what, now: rights, scope, charge, devices, and what is private."""
