"""Every change to accounts, by noun: ``accounts``, ``locks``, ``passwords``, ``sign_in``, ``throttle``."""
