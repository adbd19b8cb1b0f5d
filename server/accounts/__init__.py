"""Accounts: organisations, sign-in, roles and the areas somebody is in charge of. No Flask inside."""
