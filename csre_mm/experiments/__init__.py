"""Paired training runs, what they measured, and the pages that say it."""
