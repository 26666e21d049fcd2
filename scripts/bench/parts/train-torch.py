"""PyTorch's side of the benchmark `train`: the same Uno, one JSON line in a request, one out.

Usage: train-torch.py '{"cellFeatures": …, "drugFeatures": …, "cells": …, "drugs": …, "batch": …,
                        "threads": …, "dropout": …, "width": …, "steps": …, "scored": …}'
Request: "train" or "predict"; answer: {"seconds": …, "cpu": …} for `steps` batches or `scored` rows.
"""
import json
import sys
import time

import torch
from torch import nn

o = json.loads(sys.argv[1])
torch.set_num_threads(o["threads"])
torch.manual_seed(0)


def stack(inputs, count):
    layers = []
    for i in range(count):
        layers += [nn.Linear(inputs if i == 0 else o["width"], o["width"]), nn.ReLU()]
        if o["dropout"] > 0:
            layers.append(nn.Dropout(o["dropout"]))
    return nn.Sequential(*layers)


class Uno(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = stack(o["cellFeatures"], 3)
        self.drug = stack(o["drugFeatures"], 3)
        self.joint = stack(2 * o["width"], 5)
        self.out = nn.Linear(o["width"], 1)

    def forward(self, cell, drug):
        x = torch.cat([self.cell(cell), self.drug(drug)], 1)
        return torch.sigmoid(self.out(self.joint(x)))


model = Uno()
optimiser = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
n = o["batch"] * o["steps"]
cell_table = torch.rand(o["cells"], o["cellFeatures"]) * 2 - 1
drug_table = torch.rand(o["drugs"], o["drugFeatures"]) * 2 - 1
cell = torch.randint(0, o["cells"], (max(n, o["scored"]),))
drug = torch.randint(0, o["drugs"], (max(n, o["scored"]),))
y = torch.rand(n, 1)


def train():
    model.train()
    for i in range(0, n, o["batch"]):
        rows = slice(i, i + o["batch"])
        optimiser.zero_grad(set_to_none=True)
        out = model(cell_table.index_select(0, cell[rows]), drug_table.index_select(0, drug[rows]))
        nn.functional.mse_loss(out, y[rows]).backward()
        optimiser.step()


@torch.inference_mode()
def predict():
    model.eval()
    for i in range(0, o["scored"], 2048):
        rows = slice(i, min(i + 2048, o["scored"]))
        model(cell_table.index_select(0, cell[rows]), drug_table.index_select(0, drug[rows]))


print(json.dumps({"version": torch.__version__}), flush=True)
for line in sys.stdin:
    start, used = time.perf_counter(), time.process_time()
    {"train": train, "predict": predict}[line.strip()]()
    took = {"seconds": time.perf_counter() - start, "cpu": time.process_time() - used}
    print(json.dumps(took), flush=True)
