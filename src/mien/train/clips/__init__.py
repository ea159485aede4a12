"""Training on whole clips of one face: the table, the faces, the fit, the figures, the files."""
