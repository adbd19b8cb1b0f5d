"""What the launcher could not do, told to the person at the terminal with the exact remedy.

Owns the one error type of the launcher; knows nothing of how it is printed.
"""

from dataclasses import dataclass


@dataclass(eq=False)
class LaunchError(Exception):
    """Something a person has to settle: what is wrong in Chinese and English, and the command that mends it.

    Not frozen: a context manager that an exception passes through sets its traceback.
    """

    zh: str
    en: str
    remedy: str = ""

    def __str__(self) -> str:
        """Both languages, then the remedy on lines of its own."""
        told = f"{self.zh}\n{self.en}"
        return f"{told}\n  → {self.remedy}" if self.remedy else told
