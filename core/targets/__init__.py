"""New target tasks: composed by a person, embedded and ranked against a zoo by a process of its own."""
