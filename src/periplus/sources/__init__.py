"""Where photographs come from: one file a source."""
