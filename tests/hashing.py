"""The server's password hash at the least work Argon2 can do: tests make and check thousands of passwords."""

from accounts.passwords import BoundedArgon2Hasher


class QuickHasher(BoundedArgon2Hasher):
    time_cost = 1
    memory_cost = 8  # KiB
