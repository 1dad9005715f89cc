"""Runs: where they are kept, the queue they wait in, and the worker that works on them."""
