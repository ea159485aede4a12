"""From a Keras network to the ONNX file that is given away, with 32, 16 or 8 bits."""
