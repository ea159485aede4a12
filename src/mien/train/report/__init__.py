"""What a run says about itself: figures, pictures and the model card."""
