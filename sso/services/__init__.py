"""Every change to single sign-on, by noun."""
