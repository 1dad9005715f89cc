"""The parts of the Votes page: the trial before training, and four views of the votes."""
