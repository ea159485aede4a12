"""Made clips, whose truth is known: photographs of people morphed into moving faces, and strung faces."""
