"""What the landmarks of a face say in degrees and shares: head pose, eyes, brows, mouth."""
