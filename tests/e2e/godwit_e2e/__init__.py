"""What the end-to-end tests share: the daemon as a process, a client of our own, and helpers around both.

The client has no code in common with the server: a mistake in one cannot hide the same in the other.
"""
