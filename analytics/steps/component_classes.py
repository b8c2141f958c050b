"""What the network of components tells apart, in the order of its answers."""

COMPONENTS = ("background", "sheet", "specimen", "label", "ruler", "chart", "barcode", "stamp", "packet", "object")
PARTS = ("none", "head", "eyes", "mouthparts", "pronotum", "elytra", "tail", "legs", "antennae", "pin")
BACKGROUND, SHEET, SPECIMEN = 0, 1, 2
