"""Signals as they come: from Lab Streaming Layer, boards and straps; figures over the newest minute."""
