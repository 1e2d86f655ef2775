"""InfoNCE between sets of positives and sets of negatives, in closed form."""

import torch
from torch import Tensor


def info_nce(
    positives: Tensor,
    negatives: Tensor,
    temperature: float,
    positives_valid: Tensor | None = None,
    negatives_valid: Tensor | None = None,
) -> Tensor:
    r"""The mean over the positives p of :math:`-\log(e^{p/t} / (e^{p/t} + \sum_n e^{n/t}))`.

    For a fixed set of negatives the sum does not depend on p, so each term is
    :math:`\mathrm{softplus}(\mathrm{logsumexp}(n/t) - p/t)`, and the cost is K+ + K- instead of
    K+ * K-. If all similarities are equal the value is :math:`\log(1 + K^-)`.

    Args:
        positives: Similarities (..., K+).
        negatives: Similarities (..., K-); the leading axes are broadcast against each other.
        temperature: t.
        positives_valid: (..., K+), which positives count; all without it.
        negatives_valid: (..., K-), which negatives count; all without it.

    Returns:
        (...); zero for an anchor without a positive or without a negative.
    """
    negatives = negatives / temperature
    if negatives_valid is not None:
        negatives = negatives.masked_fill(~negatives_valid, torch.finfo(negatives.dtype).min)
    against = torch.logsumexp(negatives, -1, keepdim=True)  # (..., 1)
    margin = against - positives / temperature  # (..., K+)
    terms = torch.logaddexp(margin, torch.zeros_like(margin))  # softplus, exact at any margin
    if positives_valid is None:
        return terms.mean(-1)
    terms = terms.masked_fill(~positives_valid, 0.0)
    return terms.sum(-1) / positives_valid.sum(-1).clamp(min=1)
