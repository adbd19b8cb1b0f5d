"""Whole cities, laid out by profiles: their ground, their people and their doors. A profile is data, no code."""
