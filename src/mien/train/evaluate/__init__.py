"""What a network gets right, how sure it is, where it is weak: figures, groups of faces, worse faces."""
