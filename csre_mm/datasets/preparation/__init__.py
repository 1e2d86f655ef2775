"""From the raw files of data sets to annotation files."""
