"""All measurements, one after another."""

from tests.bench import image

image.main()
