"""Signals as they come: from Lab Streaming Layer, boards and heart-rate straps; figures over the newest minute."""
