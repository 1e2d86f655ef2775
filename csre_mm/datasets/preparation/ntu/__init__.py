"""NTU RGB+D 60 and 120: raw ``.skeleton`` files, their cleaning, and the official splits."""
