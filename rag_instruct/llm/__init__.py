"""Clients for language models: they obey limits and a budget, and store every answer."""
