#!/usr/bin/env python3
"""Repeats points of an exported landscape in PyTorch, and prints how far their losses are off.

    python3 repeat_grid.py landscape.safetensors [--points 25]

`batchviz export DIR --to safetensors` writes the file (docs/exports.md names its tensors). It holds all that is needed: the plane
origin + x * direction1 + y * direction2, the examples that losses are of, and the experiment, which says what the network and the loss
are. Every network but surfaces and two towers; needs PyTorch alone. The format is read here without a library
(https://github.com/huggingface/safetensors, "Format").
"""
import argparse
import json
import pathlib
import struct

import torch
import torch.nn.functional as F

DTYPES = {"F32": torch.float32, "I32": torch.int32, "I64": torch.int64}
ACTIVATIONS = {"linear": lambda z: z, "relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "gelu": F.gelu}


def read(path):
    """The tensors of a file by name, and its metadata."""
    content = bytearray(pathlib.Path(path).read_bytes())
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        first, after = (8 + length + offset for offset in entry["data_offsets"])
        dtype, shape = DTYPES[entry["dtype"]], entry["shape"]
        tensors[name] = torch.frombuffer(content[first:after], dtype=dtype).reshape(shape) if after > first else torch.empty(shape, dtype=dtype)
    return tensors, metadata


def dense(model, weights, x):
    """A network of dense layers."""
    last = max(int(name.split(".")[1]) for name in weights)
    for layer in range(last + 1):
        x = F.linear(x, weights[f"layers.{layer}.weight"], weights.get(f"layers.{layer}.bias"))
        x = ACTIVATIONS[model.get("activation", "relu") if layer < last else model.get("outputActivation", "linear")](x)
    return x


def layered(layers, weights, prefix, x):
    """A list of layers, each evaluating: batch norms with their running statistics, dropout as nothing."""
    for place, layer in enumerate(layers):
        kind, name = layer["kind"], f"{prefix}.{place}"
        weight, bias = weights.get(f"{name}.weight"), weights.get(f"{name}.bias")
        if kind == "conv2d":
            x = F.conv2d(x, weight, bias, stride=layer.get("stride", 1), padding=layer.get("padding", 0), groups=layer.get("groups", 1))
        elif kind == "dense":
            x = F.linear(x, weight, bias)
        elif kind == "maxPool":
            x = F.max_pool2d(x, layer["kernel"], layer.get("stride", layer["kernel"]), layer.get("padding", 0))
        elif kind == "avgPool":
            x = F.avg_pool2d(x, layer["kernel"], layer.get("stride", layer["kernel"]), layer.get("padding", 0)) if "kernel" in layer else x.mean((2, 3))
        elif kind == "flatten":
            x = x.flatten(1)
        elif kind == "batchNorm":
            mean, variance = weights[f"{name}.running_mean"], weights[f"{name}.running_var"]
            x = F.batch_norm(x, mean, variance.clamp(min=0), weight, bias, training=False, eps=layer["epsilon"])
        elif kind in ("groupNorm", "layerNorm"):
            x = F.group_norm(x, layer.get("groups", 1) if kind == "groupNorm" else 1, weight, bias, eps=layer["epsilon"])
        elif kind == "activation":
            x = ACTIVATIONS[layer["function"]](x)
        elif kind == "residual":
            x = layered(layer["layers"], weights, f"{name}.layers", x) + layered(layer.get("projection", []), weights, f"{name}.projection", x)
        elif kind != "dropout":
            raise SystemExit(f"The layer {name} is of the kind {kind}, which this script does not know.")
    return x


def outputs(model, weights, inputs):
    if model.get("kind", "dense") == "dense":
        return dense(model, weights, inputs)
    first = weights["layers.0.weight"] if "layers.0.weight" in weights else None
    if first is not None and first.dim() == 4:  # images: as many channels as the first filters see, and square
        channels = first.shape[1] * model["layers"][0].get("groups", 1)
        side = round((inputs.shape[1] / channels) ** 0.5)
        inputs = inputs.reshape(-1, channels, side, side)
    return layered(model["layers"], weights, "layers", inputs)


def loss_of(kind, z, targets):
    """Mean over the examples, as docs/exports.md defines it."""
    if kind == "cross-entropy":
        return F.cross_entropy(z, targets)
    if kind == "logistic":
        return F.softplus(-(2.0 * targets - 1) * z[:, 0]).mean()
    if targets.dtype == torch.int64:
        targets = F.one_hot(targets, z.shape[1]).float() if z.shape[1] > 1 else (2.0 * targets - 1)[:, None]
    return 0.5 * ((z - targets) ** 2).sum(1).mean()


def main():
    arguments = argparse.ArgumentParser(description="Repeats points of an exported landscape in PyTorch.")
    arguments.add_argument("file")
    arguments.add_argument("--points", type=int, default=25)
    arguments.add_argument("--json", action="store_true", help="one line of JSON instead of a table")
    asked = arguments.parse_args()
    tensors, metadata = read(asked.file)
    experiment = json.loads(metadata["experiment"])
    model = experiment["model"]
    if model["kind"] == "surface" or model.get("towers", 1) != 1:
        raise SystemExit("Surfaces and networks of two towers are not repeated by this script.")
    inputs = tensors["evaluation.inputs"]
    targets = tensors["evaluation.labels"] if "evaluation.labels" in tensors else tensors["evaluation.targets"]
    losses, xs, ys = tensors["grid.losses"], tensors["grid.x"], tensors["grid.y"]
    origin = {name[len("origin.") :]: tensor for name, tensor in tensors.items() if name.startswith("origin.")}
    repeated, count = [], losses.numel()
    for k in range(min(asked.points, count)):
        at = k * (count - 1) // max(1, asked.points - 1)  # evenly spread over the grid, both ends among them
        row, column = divmod(at, len(xs))
        # Running statistics are the same at all points of a plane, and have no directions.
        weights = {
            name: value + xs[column] * tensors[f"direction1.{name}"] + ys[row] * tensors[f"direction2.{name}"] if f"direction1.{name}" in tensors else value
            for name, value in origin.items()
        }
        with torch.no_grad():
            loss = loss_of(experiment["loss"], outputs(model, weights, inputs), targets).item()
        repeated.append((xs[column].item(), ys[row].item(), losses[row, column].item(), loss))
    off = max(abs(theirs - ours) / max(1.0, abs(theirs)) for _, _, theirs, ours in repeated)
    if asked.json:
        print(json.dumps({"points": len(repeated), "off": off}))
        return
    print(f"{metadata['title']}: {len(repeated)} of {count} points\n{'x':>10}{'y':>10}{'exported':>14}{'repeated':>14}")
    for x, y, theirs, ours in repeated:
        print(f"{x:10.4f}{y:10.4f}{theirs:14.6f}{ours:14.6f}")
    print(f"off by {off:.1e} at most, relative to the loss or to 1")


if __name__ == "__main__":
    main()
