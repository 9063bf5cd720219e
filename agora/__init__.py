"""Agora: who may do what, who is signed in, and proof of what happened."""
