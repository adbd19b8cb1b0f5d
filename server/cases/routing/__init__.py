"""Who handles an issue, by when and why: rules, decisions, and trying again."""
