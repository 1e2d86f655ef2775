"""Stands for the reader's code in docs/training_loop.md: small encoders and data sets."""

import torch
from torch import nn
from torch.utils.data import Dataset, TensorDataset


def _clips(num_samples, seed):
    """Clips (N, M, T, V, C) that drift along an axis of their class, and classes (N,)."""
    generator, labels = torch.Generator().manual_seed(seed), torch.arange(num_samples) % 3
    x = torch.randn(num_samples, 2, 64, 25, 3, generator=generator) * 0.1
    drift = torch.linspace(0, 1, 64)[:, None] * torch.eye(3)[labels, None]  # (N, T, C)
    return x + drift[:, None, :, None], labels


train_set, val_set = (TensorDataset(*_clips(24, seed)) for seed in (0, 1))


class Encoder(nn.Module):
    """Clips (N, M, T, V, C) to a feature map (N, M, C', T / 4, V) and logits."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 256, (4, 1), stride=(4, 1)), nn.Linear(256, 3)

    def forward(self, x):
        folded = x.flatten(0, 1).movedim(-1, 1)  # (N * M, C, T, V)
        feature_map = self.conv(folded).relu().unflatten(0, x.shape[:2])
        return feature_map, self.fc(feature_map.mean((1, 3, 4)))


class Model(nn.Module):
    """Clips (N, C, T, V, M) to logits; the last block gives (N * M, C', T / 4, V)."""

    def __init__(self):
        super().__init__()
        self.l1, self.l10 = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 256, (4, 1), stride=(4, 1))
        self.fc = nn.Linear(256, 3)

    def forward(self, x):
        folded = x.movedim(-1, 1).flatten(0, 1)  # (N * M, C, T, V)
        x = self.l10(self.l1(folded).relu()).unflatten(0, (len(x), -1))
        return self.fc(x.mean((1, 3, 4)))


class Feeder(Dataset):
    """Clips (C, T, V, M), their classes and positions."""

    def __len__(self):
        return len(train_set)

    def __getitem__(self, index):
        x, label = train_set[index]
        return x.permute(3, 1, 2, 0).numpy(), int(label), index
