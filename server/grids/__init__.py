"""Drafts of the ground: redraws over an edition, told, checked, rebased and published. No Flask inside."""
