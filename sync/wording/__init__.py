"""What the reasons of an operation say, to phones and to staff."""
