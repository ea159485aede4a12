"""From raw answers to probabilities that mean what they say, fitted on `validation`."""
