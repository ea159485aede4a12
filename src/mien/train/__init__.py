"""Training on labelled faces: data sets, networks, the training loop, evaluation and export.

Needs the extra `mien[train]`; nothing that only reads faces imports this package.
"""
