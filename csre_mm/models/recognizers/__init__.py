"""Recognizers."""

from csre_mm.models.recognizers.recognizer_csre import RecognizerCSRE

__all__ = ['RecognizerCSRE']
