"""A record given away and taken back: one zip of open files, with FHIR; docs/export.md describes it."""
