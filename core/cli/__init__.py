"""The command line: one small module per group of verbs, all imported cheaply; the engine is loaded by the verb run."""
