"""Pages of accounts, by page: ``sign_in``, ``listing``, ``card``, ``create``, ``profile``."""
