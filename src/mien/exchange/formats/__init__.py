"""Results of `mien analyze` in the formats of other programs: spreadsheets, statistics, annotation."""
