"""Changes of a person against their own usual, told from chance: charts, change points, and words."""
