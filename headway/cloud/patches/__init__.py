"""What the emulator lacks and Headway needs to see on a laptop: one file per patch, each named for what AWS does."""
