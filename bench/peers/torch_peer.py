"""PyTorch beside the engine: the training loop, landscape and probes as people write them.

One request a line on standard input, one answer a line on standard output, both JSON; BatchViz.Bench with `--peers` asks, and so can
a person:

    echo '{"kind": "update", "sizes": [2, 8, 8, 1], "batch": 32, "seconds": 0.5}' | OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python3 torch_peer.py

    echo '{"kind": "update", "sizes": [784, 128, 10], "activation": "relu", "loss": "cross-entropy", "device": "cuda:0", "precision": "tf32"}' | python3 torch_peer.py

The first line says what runs here. OpenBLAS reads its number of threads once, at start: one process for each number.
Requests: kind (update, landscape, probe), sizes (or preset: a net of layers on images of 28 x 28), activation, loss, optimizer, batch, seeds, variant, set (examples in
memory), examples, grid, device, precision (float32, tf32, bf16, fp16; of updates), seconds. Answers: microseconds (of one update of all seeds together, or of one probe), by the wall and of
processor time, or seconds (of a grid); or error, for a request that PyTorch does not do.
"""
import json
import math
import os
import sys
import time

import torch
from torch import nn

try:
    from torch.func import grad, vmap
except ImportError:
    from functorch import grad, vmap

RATE = 0.01
NARROW = {"bf16": torch.bfloat16, "fp16": torch.float16}
ACTIVATIONS = {
    "linear": lambda z: z, "relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "gelu": nn.functional.gelu,
}
MODULES = {"linear": nn.Identity, "relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU}
LOSSES = {"cross-entropy": nn.functional.cross_entropy, "squared": nn.functional.mse_loss, "logistic": nn.functional.binary_cross_entropy_with_logits}
OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, RATE),
    "momentum": lambda p: torch.optim.SGD(p, RATE, momentum=0.9),
    "nesterov": lambda p: torch.optim.SGD(p, RATE, momentum=0.9, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, RATE),
    "adamw": lambda p: torch.optim.AdamW(p, RATE),
    "adagrad": lambda p: torch.optim.Adagrad(p, RATE),
    "adadelta": lambda p: torch.optim.Adadelta(p, RATE),
    "rmsprop": lambda p: torch.optim.RMSprop(p, RATE),
}


def blas():
    """The library that matrix products run on, from what this process has loaded."""
    torch.mm(torch.ones(64, 64), torch.ones(64, 64))
    if torch.backends.mkl.is_available():
        return "MKL"
    try:
        with open("/proc/self/maps") as maps:
            return "OpenBLAS" if "openblas" in maps.read() else "no OpenBLAS"
    except OSError:
        return "unknown BLAS"


def data(request, count):
    """Random features [count, inputs], about 19 % of them not 0 for images, and targets that fit the loss."""
    inputs, outputs = request["sizes"][0], request["sizes"][-1]
    x = torch.rand(count, inputs) * (torch.rand(count, inputs) < 0.19) if inputs >= 49 else torch.randn(count, inputs)
    if request["loss"] == "cross-entropy":
        y = torch.randint(outputs, (count,))
    elif request["loss"] == "logistic" or outputs == 1:
        classes = (x.sum(1, keepdim=True) > 0).float()
        y = classes if request["loss"] == "logistic" else 2 * classes - 1
    else:
        y = nn.functional.one_hot(torch.randint(outputs, (count,)), outputs).float()
    return x.to(request["device"]), y.to(request["device"])


def convolved(a, b, kernel, stride=1, groups=1):
    return [nn.Conv2d(a, b, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(b)]


class Residual(nn.Module):
    """relu(way(x) + own(x)) as in He et al. 2016."""

    def __init__(self, a, b, stride):
        super().__init__()
        self.way = nn.Sequential(*convolved(a, b, 3, stride), nn.ReLU(), *convolved(b, b, 3))
        self.own = nn.Identity() if a == b and stride == 1 else nn.Sequential(*convolved(a, b, 1, stride))

    def forward(self, x):
        return torch.relu(self.way(x) + self.own(x))


def separable(a, b, stride):
    return [*convolved(a, a, 3, stride, a), nn.ReLU(), *convolved(a, b, 1), nn.ReLU()]


PRESETS = {
    "mlp-batchnorm": lambda: [nn.Linear(784, 128, bias=False), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10)],
    "lenet": lambda: [
        nn.Unflatten(1, (1, 28, 28)), nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)],
    "resnet-small": lambda: [
        nn.Unflatten(1, (1, 28, 28)), *convolved(1, 16, 3), nn.ReLU(), Residual(16, 16, 1), Residual(16, 32, 2), Residual(32, 64, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)],
    "mobilenet-small": lambda: [
        nn.Unflatten(1, (1, 28, 28)), *convolved(1, 16, 3, 2), nn.ReLU(), *separable(16, 32, 1), *separable(32, 64, 2), *separable(64, 64, 1), *separable(64, 64, 1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)],
}


def model(request):
    if request.get("preset"):
        return nn.Sequential(*PRESETS[request["preset"]]()).to(request["device"])
    sizes, layers = request["sizes"], []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        layers.append(nn.Linear(a, b))
        if i < len(sizes) - 2:
            layers.append(MODULES[request["activation"]]())
    return nn.Sequential(*layers).to(request["device"])


def batches(count, batch, device):
    """Index batches [batch] of a new permutation every epoch, without end; an epoch's short rest is left out."""
    while True:
        order = torch.randperm(count, device=device)
        for start in range(0, count - batch + 1, batch):
            yield order[start:start + batch]


def plain_update(request):
    """One network, one optimiser, an ordinary loop. Nothing is recorded."""
    x, y = data(request, request["set"])
    net, loss = model(request), LOSSES[request["loss"]]
    optimizer = OPTIMIZERS[request["optimizer"]](net.parameters())
    chosen = batches(request["set"], request["batch"], request["device"])

    def update():
        index = next(chosen)
        inputs, targets = x[index], y[index]
        optimizer.zero_grad(set_to_none=True)
        value = loss(net(inputs), targets)
        value.backward()
        optimizer.step()

    if request["precision"] not in NARROW:
        return update
    device = torch.device(request["device"]).type
    scaler = grad_scaler(device) if request["precision"] == "fp16" else None

    def narrow_update():
        index = next(chosen)
        inputs, targets = x[index], y[index]
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, NARROW[request["precision"]]):
            value = loss(net(inputs), targets)
        if scaler is None:
            value.backward()
            optimizer.step()
            return
        scaler.scale(value).backward()
        scaler.step(optimizer)
        scaler.update()

    return narrow_update


def grad_scaler(device):
    """PyTorch's own, which before 2.3 there was for CUDA alone."""
    return torch.amp.GradScaler(device) if hasattr(torch.amp, "GradScaler") else torch.cuda.amp.GradScaler()


def stacked(request):
    """Weights of all seeds in one tensor per layer: W [seeds, in, out], b [seeds, 1, out], as PyTorch initialises them."""
    parameters = []
    for a, b in zip(request["sizes"], request["sizes"][1:]):
        bound = 1 / math.sqrt(a)
        for rows in (a, 1):
            parameters.append(torch.empty(request["seeds"], rows, b, device=request["device"]).uniform_(-bound, bound).requires_grad_())
    return parameters


def forward(parameters, x, activation, product):
    layers = len(parameters) // 2
    for i in range(layers):
        x = product(parameters[2 * i + 1], x, parameters[2 * i])
        if i < layers - 1:
            x = activation(x)
    return x


def stacked_batches(request):
    """Index batches [seeds, batch], each seed in an order of its own."""
    while True:
        orders = torch.stack([torch.randperm(request["set"], device=request["device"]) for _ in range(request["seeds"])])
        for start in range(0, request["set"] - request["batch"] + 1, request["batch"]):
            yield orders[:, start:start + request["batch"]]


def batched_update(request):
    """All seeds at once, batched by hand with baddbmm; the sum of the seeds' mean losses has each seed's gradient."""
    x, y = data(request, request["set"])
    parameters, seeds = stacked(request), request["seeds"]
    loss, activation = LOSSES[request["loss"]], ACTIVATIONS[request["activation"]]
    optimizer = OPTIMIZERS[request["optimizer"]](parameters)
    chosen = stacked_batches(request)

    def update():
        index = next(chosen)
        inputs, targets = x[index], y[index]
        optimizer.zero_grad(set_to_none=True)
        outputs = forward(parameters, inputs, activation, torch.baddbmm)
        value = loss(outputs.flatten(0, 1), targets.flatten(0, 1)) * seeds
        value.backward()
        optimizer.step()

    return update


def vmap_update(request):
    """All seeds at once through vmap over the gradient of one network."""
    x, y = data(request, request["set"])
    parameters = stacked(request)
    loss, activation = LOSSES[request["loss"]], ACTIVATIONS[request["activation"]]
    optimizer = OPTIMIZERS[request["optimizer"]](parameters)
    chosen = stacked_batches(request)

    def loss_of(weights, inputs, targets):
        return loss(forward(weights, inputs, activation, torch.addmm), targets)

    gradient = vmap(grad(loss_of))

    def update():
        index = next(chosen)
        with torch.no_grad():
            gradients = gradient(tuple(p.detach() for p in parameters), x[index], y[index])
        for parameter, value in zip(parameters, gradients):
            parameter.grad = value
        optimizer.step()

    return update


def landscape(request):
    """One row of a grid: weights set point by point, and the loss of all examples at each."""
    x, y = data(request, request["examples"])
    net, loss, grid = model(request), LOSSES[request["loss"]], request["grid"]
    origin = [p.detach().clone() for p in net.parameters()]
    first, second = ([torch.randn_like(p) * p.norm() / p.numel() ** 0.5 for p in origin] for _ in range(2))
    line = torch.linspace(-1, 1, grid).tolist()
    row = iter(range(1 << 60))

    def points():
        b = line[next(row) % grid]
        with torch.no_grad():
            for a in line:
                for parameter, w, u, v in zip(net.parameters(), origin, first, second):
                    parameter.copy_(w + a * u + b * v)
                loss(net(x), y).item()

    return points


def probe(request):
    """The gradient of one set, its product with the Hessian by double backward, or all its examples' gradient norms by vmap."""
    x, y = data(request, request["examples"])
    net, loss = model(request), LOSSES[request["loss"]]
    parameters = list(net.parameters())
    direction = [torch.randn_like(p) for p in parameters]
    activation = ACTIVATIONS[request["activation"]]

    def gradient():
        torch.autograd.grad(loss(net(x), y), parameters)

    def hessian_vector_product():
        first = torch.autograd.grad(loss(net(x), y), parameters, create_graph=True)
        torch.autograd.grad(first, parameters, direction)

    weights = () if request.get("preset") else tuple(t.detach() for p in zip(parameters[::2], parameters[1::2]) for t in (p[0].t().contiguous(), p[1][None]))

    def loss_of(w, inputs, targets):
        return loss(forward(w, inputs[None], activation, torch.addmm), targets[None])

    each = vmap(grad(loss_of), in_dims=(None, 0, 0))

    def example_norms():
        with torch.no_grad():
            sum(g.flatten(1).square().sum(1) for g in each(weights, x, y)).sqrt()

    return {"gradient": gradient, "hessianVectorProduct": hessian_vector_product, "exampleNorms": example_norms}[request["variant"]]


UPDATES = {"plain": plain_update, "baddbmm": batched_update, "vmap": vmap_update}
DEFAULTS = {"activation": "tanh", "loss": "squared", "optimizer": "sgd", "batch": 32, "seeds": 1, "set": 4096, "examples": 500, "grid": 65, "device": "cpu", "precision": "float32", "seconds": 0.2}


def prepare(request):
    torch.manual_seed(1)
    # PyTorch's own default has TF32 in convolutions.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = request["precision"] == "tf32"
    kind = request["kind"]
    if kind == "update":
        return UPDATES[request.get("variant", "plain" if request["seeds"] == 1 else "baddbmm")](request)
    return landscape(request) if kind == "landscape" else probe(request)


def per_call(work, seconds, device):
    """Mean seconds of one call, over at least one: by the wall, until the device is through, and of processor time, all threads'."""
    calls, start, processor = 0, time.perf_counter(), time.process_time()
    end = start + seconds
    while True:
        work()
        calls += 1
        if time.perf_counter() < end:
            continue
        if device != "cpu":
            torch.cuda.synchronize(device)
        return (time.perf_counter() - start) / calls, (time.process_time() - processor) / calls


def main():
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    library = blas()
    hello = {"name": f"PyTorch {torch.__version__} with {library}", "threads": torch.get_num_threads()}
    if library == "no OpenBLAS":
        hello["warning"] = "PyTorch runs without a fast BLAS here, so the comparison says little (Debian: libopenblas0-pthread)."
    print(json.dumps(hello), flush=True)
    kept, work = None, None
    for line in sys.stdin:
        request = {**DEFAULTS, **json.loads(line)}
        key = {k: v for k, v in request.items() if k != "seconds"}
        try:
            if key != kept:
                kept, work = None, None
                work = prepare(request)
                per_call(work, request.get("warmUp", 0.2), request["device"])
                kept = key
            seconds, processor = per_call(work, request["seconds"], request["device"])
        except (RuntimeError, ValueError, AssertionError) as error:
            # A request that PyTorch does not do, such as batch norms of one example; the next one may be another.
            print(json.dumps({"error": str(error).partition("\n")[0]}), flush=True)
            continue
        answer = {"seconds": seconds * request["grid"]} if request["kind"] == "landscape" else {"microseconds": seconds * 1e6, "processorMicroseconds": processor * 1e6}
        print(json.dumps(answer), flush=True)


main()
