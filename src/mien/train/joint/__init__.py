"""One network for all that Mien asks of a face: expressions, landmarks, and whether there is one at all."""
