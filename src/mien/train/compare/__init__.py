"""Networks side by side, trained on one budget and measured by one protocol."""
