"""The mood record: a subject's recordings over weeks, written, measured, told and handed out."""
