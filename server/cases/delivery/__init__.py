"""Telling bodies: deliveries, endpoints, webhooks and their log."""
