"""The confined children of this test process that still run."""

import psutil


def argv(process):
    """The arguments of a process; none of one that is gone, or that ended and was not waited for yet."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def readers():
    """The processes below this one that run a confined function."""
    below = psutil.Process().children(recursive=True)
    return [each for each in below if any(part.endswith("child.py") for part in argv(each))]
