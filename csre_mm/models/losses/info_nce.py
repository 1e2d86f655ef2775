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
        positives_valid: (..., K+), which positives count; by default all.
        negatives_valid: (..., K-), which negatives count; by default all.

    Returns:
        (...); zero for an anchor without a positive or without a negative.

    Example:
        >>> import torch
        >>> value = info_nce(torch.zeros(1, 3), torch.zeros(1, 512), temperature=0.8)
        >>> round(value.item(), 4)  # log(1 + 512)
        6.2403
    """
    logits = _masked(negatives / temperature, negatives_valid)
    return _mean_softplus(positives / temperature, logits, positives_valid)[0]


def info_nce_gradients(
    positives: Tensor,
    negatives: Tensor,
    temperature: float,
    positives_valid: Tensor | None = None,
    negatives_valid: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    r"""The value of :func:`info_nce` and its derivatives by each similarity.

    With :math:`s_p = \sigma(\mathrm{logsumexp}(n/t) - p/t) / K^+` the derivative is
    :math:`-s_p / t` by a positive and :math:`\mathrm{softmax}(n/t) \sum_p s_p / t` by a negative.

    Args:
        positives: As for :func:`info_nce`.
        negatives: As for :func:`info_nce`.
        temperature: t.
        positives_valid: As for :func:`info_nce`.
        negatives_valid: As for :func:`info_nce`.

    Returns:
        The value (...), and the derivatives (..., K+) and (..., K-), on the broadcast leading axes;
        zero where a similarity does not count.

    Example:
        >>> import torch
        >>> p, n = torch.zeros(1, 1), torch.zeros(1, 1)
        >>> _, by_positive, by_negative = info_nce_gradients(p, n, temperature=0.5)
        >>> by_positive.item(), by_negative.item()
        (-1.0, 1.0)
    """
    logits = _masked(negatives / temperature, negatives_valid)
    value, slopes = _mean_softplus(positives / temperature, logits, positives_valid)
    by_negatives = torch.softmax(logits, -1) * (slopes.sum(-1, keepdim=True) / temperature)
    return value, slopes / -temperature, by_negatives


def _masked(logits: Tensor, valid: Tensor | None) -> Tensor:
    return logits if valid is None else logits.masked_fill(~valid, torch.finfo(logits.dtype).min)


def _mean_softplus(
    positives: Tensor, negatives: Tensor, positives_valid: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The value (...) and its derivatives by the margins (..., K+), from s / t."""
    margins = torch.logsumexp(negatives, -1, keepdim=True) - positives  # (..., K+)
    terms = torch.logaddexp(margins, torch.zeros_like(margins))  # softplus, exact at any margin
    slopes = torch.sigmoid(margins)
    if positives_valid is None:
        size = max(slopes.shape[-1], 1)
        return terms.sum(-1) / size, slopes / size
    count = positives_valid.sum(-1, keepdim=True).clamp(min=1)
    terms, slopes = (x.masked_fill(~positives_valid, 0.0) for x in (terms, slopes))
    return terms.sum(-1) / count.squeeze(-1), slopes / count
