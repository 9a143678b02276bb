"""Rules that hold two resource graphs against each other: a tree's, and its ideal's."""
