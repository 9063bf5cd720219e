"""Speed at up to a million accounts, side by side with Django's own admin: ``python -m bench --help``."""
