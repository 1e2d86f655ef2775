"""The contrast by its definition, an anchor and a pair at a time; a reference for tests."""

import torch


def naive_loss(z, labels, indices, features, bank_labels, random_slots, *, kp, kn, t, gate, update):
    """Returns the loss and the updated bank; only z has a gradient."""
    features, bank_labels = features.clone(), bank_labels.clone()
    z = z / z.norm(dim=1, keepdim=True)

    def write():
        for i in range(len(z)):
            features[indices[i]] = z[i].detach()
            bank_labels[indices[i]] = labels[i]

    if update == 'before':
        write()
    terms = []
    for i in range(len(z)):
        positives, negatives = [], []
        for slot in range(len(bank_labels)):
            if bank_labels[slot] < 0:
                continue
            similarity = (z[i] * features[slot].clone()).sum()
            side = positives if bank_labels[slot] == labels[i] else negatives
            side.append((similarity.item(), slot, similarity))
        enough = (kp, kn) if gate == 'strict' else (1, 1)
        if len(positives) < enough[0] or len(negatives) < enough[1]:
            continue
        positives = sorted(positives, key=lambda entry: entry[0])[:kp]
        hard = sorted(negatives, key=lambda entry: -entry[0])[:kn]
        random = [entry for entry in negatives if entry[1] in random_slots[i]]
        assert len(random) == min(kn, len(negatives))
        pairs = []
        for _, _, p in positives:
            for negative_set in (hard, random):
                e_p = torch.exp(p / t)
                e_n = sum(torch.exp(n / t) for _, _, n in negative_set)
                pairs.append(-torch.log(e_p / (e_p + e_n)))
        terms.append(sum(pairs) / len(pairs))
    loss = sum(terms) / len(terms) if terms else z.sum() * 0
    if update == 'after':
        write()
    return loss, features, bank_labels
