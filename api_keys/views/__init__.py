"""Pages of API keys: on one's profile, on an account's card, and what is done to one key."""
