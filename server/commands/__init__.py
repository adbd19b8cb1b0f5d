"""The commands of `./patrol` that act on a city."""
