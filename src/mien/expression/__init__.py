"""What a face shows: the network at run time, calibrated probabilities, valence and arousal."""
