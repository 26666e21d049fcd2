"""PyTorch's side of the benchmarks `train` and `score`: the same Uno, one word in a request, one line of JSON out.

Usage: train-torch.py '{"cellFeatures": …, "drugFeatures": …, "cells": …, "drugs": …, "width": …, "dropout": …,
                        "threads": …, "batch": …, "train": ROWS, "score": ROWS, "scoreBatch": …}'
`train`, `predict`: {"seconds": …, "cpu": …} for all of the rows; `sgemm`: {"gflops": …} of a large product.
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


def adam(parameters):
    """The fused one where this version has it for the CPU."""
    try:
        return "fused Adam", torch.optim.Adam(parameters, lr=1e-4, fused=True)
    except (TypeError, RuntimeError):
        return "Adam", torch.optim.Adam(parameters, lr=1e-4)


model = Uno()
adam_name, optimiser = adam(list(model.parameters()))
cell_table = torch.rand(o["cells"], o["cellFeatures"]) * 2 - 1
drug_table = torch.rand(o["drugs"], o["drugFeatures"]) * 2 - 1
most = max(o["train"], o["score"])
cell = torch.randint(0, o["cells"], (most,))
drug = torch.randint(0, o["drugs"], (most,))
y = torch.rand(most, 1)


def features(rows):
    return cell_table.index_select(0, cell[rows]), drug_table.index_select(0, drug[rows])


def train():
    model.train()
    for i in range(0, o["train"], o["batch"]):
        rows = slice(i, min(i + o["batch"], o["train"]))
        optimiser.zero_grad(set_to_none=True)
        nn.functional.mse_loss(model(*features(rows)), y[rows]).backward()
        optimiser.step()


@torch.inference_mode()
def predict():
    model.eval()
    for i in range(0, o["score"], o["scoreBatch"]):
        model(*features(slice(i, min(i + o["scoreBatch"], o["score"]))))


def timed(work):
    start, used = time.perf_counter(), time.process_time()
    work()
    return {"seconds": time.perf_counter() - start, "cpu": time.process_time() - used}


SIDE = 2048
a, b, c = (torch.rand(SIDE, SIDE) for _ in range(3))


def sgemm():
    seconds = min(timed(lambda: torch.mm(a, b, out=c))["seconds"] for _ in range(4))
    return {"gflops": 2 * SIDE**3 / seconds / 1e9}


print(json.dumps({"version": torch.__version__, "adam": adam_name}), flush=True)
answers = {"train": lambda: timed(train), "predict": lambda: timed(predict), "sgemm": sgemm}
for line in sys.stdin:
    print(json.dumps(answers[line.strip()]()), flush=True)
