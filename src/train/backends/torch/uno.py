"""The model being trained: tables, weights and moments stay on the device."""
import sys
import time

import torch
from layers import Layer, backward, forward
from masks import Masks
from optimisers import factors, optimise

QUIET = 0.2  # seconds between two reports of progress
CHUNK = 4096  # rows predicted at a time
PIECE = 1 << 18  # weights optimised at a time on a CPU: they stay in its cache


class Trainer:
    def __init__(self, device, precision, o, cells, drugs, *state):
        self.device, self.batch, self.optimiser = device, o["batch"], o["optimiser"]
        self.loss, self.alpha = o["loss"]["type"], o["loss"].get("alpha")
        widths = o["features"]
        # copied on a CPU too: products may depend on how their inputs are aligned
        tables = zip((cells, drugs), widths)
        self.tables = [t.view(-1, w).to(device, copy=True) for t, w in tables]
        layers = [Layer(plan, place) for place, plan in enumerate(o["layers"])]
        self.masks = Masks(layers, o["key"], self.batch, device)
        parts = "cell", "drug", "joint"
        *self.towers, self.joint = ([l for l in layers if l.part == part] for part in parts)
        self.weights, self.slopes, *self.moments = (
            torch.zeros(o["size"], device=device) for _ in range(len(state) + 1)
        )
        # what products work on; weights, moments and the optimiser stay float32
        low = torch.bfloat16 if precision == "bf16" else torch.float32
        self.low_weights, self.low_slopes = self.weights.to(low), self.slopes.to(low)
        for layer in layers:
            layer.bind(self.low_weights, self.low_slopes)
        size = PIECE if device == "cpu" else o["size"]
        flat = self.weights, self.slopes, *self.moments
        self.pieces = list(zip(*(t.split(size) for t in flat)))
        self.full = self.recorded() if device == "cuda" else self.train
        self.load(o, *state)

    def load(self, o, *state):
        flat = self.weights, *self.moments
        found, wanted = ([len(t) for t in each] for each in (state, flat))
        if found != wanted and found != wanted[:1]:  # weights alone are enough to predict
            raise ValueError(f"a state of {found} floats, want {wanted}")
        for to, values in zip(flat, state):
            to.copy_(values)
        self.step, self.momentum = o["step"], o["momentum"]

    def state(self):
        arrays = [t.cpu() for t in (self.weights, *self.moments)]
        return {"step": self.step, "momentum": self.momentum}, arrays

    def train(self, cell, drug, y, weight, masks, factor, lost):
        """One step over a batch, without waiting; the sum of its losses goes to `lost`."""
        if self.low_weights is not self.weights:
            self.low_weights.copy_(self.weights)
        outs, trails = [], []
        for table, codes, layers in zip(self.tables, (cell, drug), self.towers):
            x = table.index_select(0, codes).to(self.low_weights.dtype)
            out, trail = forward(layers, x, masks)
            outs.append(out)
            trails.append(trail)
        out, trail = forward(self.joint, torch.cat(outs, 1), masks)
        error = out.float() - y
        if self.loss == "mse":
            lost.copy_(error.square().sum())
            slope = error * (2 / len(y))
        else:
            lost.copy_((error.abs() * weight).sum())
            slope = error.sign().mul_(weight).div_(len(y))
        slope = backward(self.joint, slope.to(out.dtype), trail, any(self.towers))
        if any(self.towers):
            parts = slope.split([o.shape[1] for o in outs], 1)
            for layers, part, trail in zip(self.towers, parts, trails):
                backward(layers, part, trail, False)
        if self.low_slopes is not self.slopes:
            self.slopes.copy_(self.low_slopes)
        for piece in self.pieces:
            optimise(self.optimiser, factor, *piece)

    def recorded(self):
        """`train` of a full batch as one CUDA graph, recorded before there is a state to spoil."""
        n, on = self.batch, {"device": self.device}
        codes = [torch.zeros(n, dtype=torch.int64, **on) for _ in self.tables]
        columns = [torch.zeros(n, 1, **on) for _ in range(2)]
        factor = torch.ones(len(factors(self.optimiser, 1, 1, 1)[0]), **on)
        masks, lost = torch.ones(self.masks.width, **on), torch.zeros((), **on)
        inputs = [*codes, *columns, masks, factor, lost]
        try:
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(3):
                    self.train(*inputs)
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self.train(*inputs)
        except RuntimeError as error:
            print(f"torch: no CUDA graph, so step by step: {error}", file=sys.stderr)
            return self.train

        def replay(*given):
            for to, values in zip(inputs, given):
                to.copy_(values)
            graph.replay()
            given[-1].copy_(inputs[-1])

        return replay

    def epoch(self, o, cell, drug, y, stopped, tell):
        """Mean loss over the rows, [1]; None if stopped between two steps."""
        rows = self.codes(cell, drug)
        total, batch = len(y), self.batch
        weight = (1 - y.double()).pow(self.alpha or 0).float()
        y, weight = (t.to(self.device).unsqueeze(1) for t in (y, weight))
        steps = -(-total // batch)
        factor, momenta, momentum = [], [], self.momentum
        for i in range(steps):
            values, momentum = factors(self.optimiser, o["rate"], self.step + i + 1, momentum)
            factor.append(values)
            momenta.append(momentum)
        factor = torch.tensor(factor, dtype=torch.float32).to(self.device)
        lost = torch.zeros(steps, device=self.device)
        told = time.monotonic()
        for i in range(steps):
            if stopped():
                return None
            ahead = self.masks.steps
            if i % ahead == 0:
                masks = self.masks.of(o["epoch"], i, min(ahead, steps - i))
            part = slice(i * batch, (i + 1) * batch)
            inputs = [t[part] for t in (*rows, y, weight)]
            done = min(total, (i + 1) * batch)
            run = self.full if done == (i + 1) * batch else self.train
            run(*inputs, masks[i % ahead], factor[i], lost[i])
            self.step, self.momentum = self.step + 1, momenta[i]
            if time.monotonic() - told > QUIET:
                lost[i].item()  # waits for the device: what is told is done, and little is queued
                told = time.monotonic()
                tell(done, total)
        return lost.cpu().double().sum().div(total).view(1)

    def predict(self, cell, drug):
        """Each tower once a row of its table, with its part of the first joint layer; float32."""
        rows = self.codes(cell, drug)
        first, *rest = self.joint
        kernel, bias = first.views(self.weights)
        widths = [ls[-1].units if ls else t.shape[1] for ls, t in zip(self.towers, self.tables)]
        parts = []
        for table, layers, part in zip(self.tables, self.towers, kernel.split(widths)):
            outs = []
            for x in table.split(CHUNK):
                for layer in layers:
                    x = layer.infer(x, self.weights)
                outs.append(x @ part)
            parts.append(torch.cat(outs))
        result = torch.zeros(len(cell), device=self.device)
        for out, *codes in zip(*(t.split(CHUNK) for t in (result, *rows))):
            a, b = (part.index_select(0, c) for part, c in zip(parts, codes))
            x = first.activate(a.add_(b).add_(bias))
            for layer in rest:
                x = layer.infer(x, self.weights)
            out.copy_(x.squeeze(1))
        return result.cpu()

    def codes(self, *codes):
        for name, rows, table in zip(("cell", "drug"), codes, self.tables):
            for code in [int(rows.min()), int(rows.max())] if len(rows) > 0 else []:
                if not 0 <= code < len(table):
                    raise ValueError(f"{name} {code} is no row of its table: it has {len(table)}")
        return [rows.long().to(self.device) for rows in codes]
