"""A table of figures measured in turns: medians, spreads, and the ratio pair by pair."""

from dataclasses import dataclass, field
from statistics import median


@dataclass
class Table:
    """``floor`` and ``ours``: one figure a round, of the same unit, the rounds side by side."""

    name: str
    unit: str
    floor: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    notes: dict[str, object] = field(default_factory=dict)

    @property
    def ratios(self):
        return [ours / floor for ours, floor in zip(self.ours, self.floor, strict=True)]

    def as_json(self):
        return {
            "name": self.name,
            "unit": self.unit,
            **{
                label: {"median": median(figures), "min": min(figures), "max": max(figures)}
                for label, figures in (("floor", self.floor), ("ours", self.ours), ("ratio", self.ratios))
            },
            **self.notes,
        }

    def as_text(self):
        told = self.as_json()
        lines = [f"{self.name} ({len(self.ours)} rounds)"]
        for label in ("floor", "ours"):
            row = told[label]
            lines.append(f"  {label:<6} {row['median']:>10,.0f} {self.unit}   ({row['min']:,.0f} - {row['max']:,.0f})")
        row = told["ratio"]
        lines.append(f"  ratio  {row['median']:>10.2f}   ({row['min']:.2f} - {row['max']:.2f})")
        lines += [f"  {key}: {value}" for key, value in self.notes.items()]
        return "\n".join(lines) + "\n"
