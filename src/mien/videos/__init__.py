"""What reads a whole video, or many."""
