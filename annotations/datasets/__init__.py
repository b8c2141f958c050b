"""Datasets: a question frozen into versions that never change, can be cited, proved and made again."""
