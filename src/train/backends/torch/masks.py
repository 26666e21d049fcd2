"""Dropout masks, the same as in every backend: see fillMasks in ort-memory.ts."""
import torch

DROPOUT = 4  # STREAM.dropout of random.ts
WORD = 0xFFFFFFFF


class Masks:
    """Those of several steps at once; each layer is told where its own begin."""

    def __init__(self, layers, key, batch, device):
        self.key, self.device = key, device
        self.width = 0  # floats of a step
        columns = [], [], []
        for layer in layers:
            if layer.dropout == 0:
                continue
            layer.mask = self.width
            blocks = -(-batch * layer.units // 8)
            limit = min(65535, int(layer.dropout * 65536 + 0.5))
            columns[0].append(torch.arange(blocks) + (layer.place << 24))
            columns[1].append(torch.full((blocks, 1), limit - 32768, dtype=torch.int16))
            columns[2].append(torch.full((blocks, 1), 1 / (1 - layer.dropout)))
            self.width += 8 * blocks
        # blocks at a time: on a GPU so many that starting its kernels costs little, on a CPU so few
        # that they stay in its cache
        most = 1 << 15 if device == "cpu" else 1 << 20
        self.steps = max(1, min(64, 8 * most // max(1, self.width)))
        self.parts = []
        if self.width > 0:
            split = [torch.cat(column).to(device).split(most) for column in columns]
            self.parts = list(zip(*split))

    def of(self, epoch, first, count):
        """Masks of `count` steps from `first` on: [count, width]."""
        steps = torch.arange(first, first + count, device=self.device).unsqueeze(1)
        none = torch.zeros(count, 0, device=self.device)
        return torch.cat([self.part(epoch, steps, *part) for part in self.parts] or [none], 1)

    def part(self, epoch, steps, counters, limits, scales):
        c0, c1, c2, c3 = DROPOUT, epoch, steps, counters
        k0, k1 = self.key
        # Philox4x32-10; what lies above 32 bits in c1 and c3 is cut off a round later
        for _ in range(10):
            p, q = c0 * 0xD2511F53, c2 * 0xCD9E8D57
            c0, c1, c2, c3 = ((q >> 32) ^ c1 ^ k0) & WORD, q, ((p >> 32) ^ c3 ^ k1) & WORD, p
            k0, k1 = (k0 + 0x9E3779B9) & WORD, (k1 + 0xBB67AE85) & WORD
        words = torch.stack([c0 | (c1 << 32), c2 | (c3 << 32)], -1)
        bits = words.view(torch.int16) ^ -32768  # signed, in the order of unsigned
        return ((bits >= limits) * scales).flatten(1)
