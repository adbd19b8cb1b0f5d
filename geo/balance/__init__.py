"""Balance: dividing ground among areas so that each has its share of households. Pure.

Knows nothing of drafts, codes to be given, or the database. ``propose`` divides one ground anew; ``heal`` moves as few
households as it can between areas that are there. Both are deterministic: the same question has the same answer.
"""

from geo.balance.dwellings import Dwellings, Norm, OutOfNorm
from geo.balance.heal import Healed, heal
from geo.balance.propose import Proposal, propose

__all__ = ["Dwellings", "Healed", "Norm", "OutOfNorm", "Proposal", "heal", "propose"]
