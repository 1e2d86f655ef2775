"""Weights of the authors' releases, turned into ours."""

from csre_mm.models.conversion.convert import ENCODERS, convert_state_dict, convert_weights

__all__ = ['ENCODERS', 'convert_state_dict', 'convert_weights']
