"""Training of the networks that the steps use: from drawn truth and real specimens to weights in the package."""
