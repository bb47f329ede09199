"""What there is - models, data sets, parts - read from the sources: in a second, without TensorFlow."""
