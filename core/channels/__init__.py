"""Channel groups, selections of channels, slimming, and the pruned model's file."""
