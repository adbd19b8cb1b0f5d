"""The life of a case: which steps there are, who may take them when, and what they do."""
