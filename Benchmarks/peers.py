"""Generation in chargen, PyTorch and ONNX Runtime, side by side in one run.

    peers.py --engine build/benchmarks/engine --models build/benchmarks/models
             [--sizes 128x2 …] [--seconds S] [--rounds N] [--json]

Each contestant generates characters with a random model of 82 characters, samples them at
temperature 1 and feeds them back. They run alternately, so that a temporary slowdown of the machine
affects all of them. See Benchmarks/README.md.
"""

import argparse
import collections
import datetime
import itertools
import json
import logging
import os
import pathlib
import platform
import random
import statistics
import subprocess
import tempfile
import time
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import quantize_dynamic

SYMBOLS = 82
SIZES = [(64, 1), (128, 2), (256, 2), (512, 2), (512, 3), (1024, 2)]
GATES = {"rnn": 1, "gru": 3, "lstm": 4}
WEIGHTS = ["f32", "bf16", "int8", "int4"]

Case = collections.namedtuple("Case", "cell hidden layers threads batch")


def rate(step, seconds, batch=1):
    """Characters per second of `step`, called repeatedly."""
    calls, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds or calls == 0:
        step()
        calls += 1
    return batch * calls / elapsed


# chargen


def chargen(case, weights, options):
    model = options.models / f"{case.cell}-{case.hidden}x{case.layers}-{weights}.cgw"

    def measure(seconds):
        command = [options.engine, "one", model, "--threads", case.threads, "--batch", case.batch, "--seconds", seconds]
        return float(subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE).stdout)

    return measure


# PyTorch


class Layers(torch.nn.Module):
    """One step by torch.nn.LSTM and its like, all layers in one call."""

    # Lets TorchScript omit the branch that is not taken.
    is_lstm: torch.jit.Final[bool]

    def __init__(self, cell, hidden, layers):
        super().__init__()
        self.symbols = SYMBOLS
        self.is_lstm = cell == "lstm"
        self.rnn = getattr(torch.nn, cell.upper())(SYMBOLS, hidden, layers)
        self.fc = torch.nn.Linear(hidden, SYMBOLS)

    def forward(self, ids, h, c):
        x = torch.nn.functional.one_hot(ids, self.symbols).to(torch.float32).unsqueeze(0)
        if self.is_lstm:
            y, (h, c) = self.rnn(x, (h, c))
        else:
            y, h = self.rnn(x, h)
        return torch.multinomial(torch.softmax(self.fc(y[0]), -1), 1)[:, 0], h, c


class Cells(torch.nn.Module):
    """One step by torch.nn.LSTMCell and its like, layer by layer."""

    is_lstm: torch.jit.Final[bool]

    def __init__(self, cell, hidden, layers):
        super().__init__()
        self.symbols = SYMBOLS
        self.is_lstm = cell == "lstm"
        kind = getattr(torch.nn, cell.upper() + "Cell")
        self.cells = torch.nn.ModuleList(kind(hidden if layer else SYMBOLS, hidden) for layer in range(layers))
        self.fc = torch.nn.Linear(hidden, SYMBOLS)

    def forward(self, ids, h, c):
        x = torch.nn.functional.one_hot(ids, self.symbols).to(torch.float32)
        hs, cs = [], []
        for layer, cell in enumerate(self.cells):
            if self.is_lstm:
                x, memory = cell(x, (h[layer], c[layer]))
                cs.append(memory)
            else:
                x = cell(x, h[layer])
            hs.append(x)
        ids = torch.multinomial(torch.softmax(self.fc(x), -1), 1)[:, 0]
        return ids, torch.stack(hs), torch.stack(cs) if self.is_lstm else c


def pytorch_way(case, kind, is_scripted, uses_onednn):
    """A function that measures one variant of PyTorch."""
    model = kind(case.cell, case.hidden, case.layers).eval()
    if is_scripted:
        model = torch.jit.freeze(torch.jit.script(model))
    state = torch.zeros(case.layers, case.batch, case.hidden)
    values = [torch.zeros(case.batch, dtype=torch.long), state, state]

    def step():
        values[:] = model(*values)

    def measure(seconds):
        torch.set_num_threads(case.threads)
        with torch.inference_mode(), torch.backends.mkldnn.flags(enabled=uses_onednn):
            return rate(step, seconds, case.batch)

    return measure


def pytorch(case, options):
    """The fastest variant: layers or cells, eager or TorchScript, with oneDNN or without."""
    ways = [pytorch_way(case, *way) for way in itertools.product([Layers, Cells], [False, True], [False, True])]
    for way in ways:
        # TorchScript compiles in the first calls.
        way(options.seconds / 5)
    return max(ways, key=lambda way: way(options.seconds / 5))


# ONNX Runtime


def onnx_model(case):
    """One step. Inputs: a one-hot character and the states. Outputs: the logits and the states."""
    helper = onnx.helper
    states = ["h", "c"] if case.cell == "lstm" else ["h"]
    bound = case.hidden**-0.5
    nodes, weights = [], []

    def weight(name, *shape):
        values = np.random.default_rng(len(weights)).uniform(-bound, bound, shape).astype(np.float32)
        weights.append(onnx.numpy_helper.from_array(values, name))
        return name

    x = "x"
    for layer in range(case.layers):
        rows = GATES[case.cell] * case.hidden
        columns = case.hidden if layer else SYMBOLS
        inputs = [
            x,
            weight(f"w{layer}", 1, rows, columns),
            weight(f"r{layer}", 1, rows, case.hidden),
            weight(f"b{layer}", 1, 2 * rows),
            "",
        ]
        inputs += [f"{state}{layer}" for state in states]
        outputs = [f"y{layer}"] + [f"{state}{layer}_out" for state in states]
        # PyTorch's GRU applies the reset gate after the matrix product.
        settings = {"linear_before_reset": 1} if case.cell == "gru" else {}
        nodes.append(helper.make_node(case.cell.upper(), inputs, outputs, hidden_size=case.hidden, **settings))
        # From (time, directions, batch, hidden) to (time, batch, hidden), the next layer's input.
        nodes.append(helper.make_node("Squeeze", [f"y{layer}", "directions"], [f"x{layer}"]))
        x = f"x{layer}"
    nodes.append(helper.make_node("MatMul", [x, weight("fc", case.hidden, SYMBOLS)], ["product"]))
    nodes.append(helper.make_node("Add", ["product", weight("fc_bias", SYMBOLS)], ["logits"]))
    weights.append(onnx.numpy_helper.from_array(np.array([1], np.int64), "directions"))

    def value(name, width):
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 1, width])

    names = [f"{state}{layer}" for layer in range(case.layers) for state in states]
    graph = helper.make_graph(
        nodes,
        "step",
        [value("x", SYMBOLS)] + [value(name, case.hidden) for name in names],
        [value("logits", SYMBOLS)] + [value(f"{name}_out", case.hidden) for name in names],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def onnx_runtime(case, is_int8):
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = case.threads
    settings.inter_op_num_threads = 1
    settings.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "step.onnx"
        onnx.save(onnx_model(case), path)
        if is_int8:
            quantize_dynamic(path, path.with_suffix(".int8"))
            path = path.with_suffix(".int8")
        session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])

    def zeros(width):
        return onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros((1, 1, width), np.float32))

    # Bound memory avoids the copies of `session.run`. A step reads its states from one buffer and
    # writes them into the other; the next step swaps the two.
    x, logits = zeros(SYMBOLS), zeros(SYMBOLS)
    names = [value.name for value in session.get_inputs()][1:]
    halves = [{name: zeros(case.hidden) for name in names} for _ in range(2)]
    bindings = []
    for source, target in (halves, halves[::-1]):
        binding = session.io_binding()
        binding.bind_ortvalue_input("x", x)
        binding.bind_ortvalue_output("logits", logits)
        for name in names:
            binding.bind_ortvalue_input(name, source[name])
            binding.bind_ortvalue_output(f"{name}_out", target[name])
        bindings.append(binding)
    turns = itertools.cycle(bindings)
    characters = np.eye(SYMBOLS, dtype=np.float32).reshape(SYMBOLS, 1, 1, SYMBOLS)

    def step():
        session.run_with_iobinding(next(turns))
        values = logits.numpy()[0, 0]
        sums = np.exp(values - values.max()).cumsum()
        x.update_inplace(characters[sums.searchsorted(sums[-1] * random.random())])

    return lambda seconds: rate(step, seconds)


# The comparison


def contestants(case, options):
    """By name, a function that measures a contestant's characters per second."""
    found = {"PyTorch": pytorch(case, options)}
    if case.batch == 1:
        found["ONNX Runtime f32"] = onnx_runtime(case, is_int8=False)
        found["ONNX Runtime int8"] = onnx_runtime(case, is_int8=True)
    for weights in WEIGHTS:
        found[f"chargen {weights}"] = chargen(case, weights, options)
    return found


def compare(case, options):
    """The median rate of each contestant."""
    measures = contestants(case, options)
    rates = collections.defaultdict(list)
    for _ in range(options.rounds):
        for name, measure in measures.items():
            # The previous contestant's threads still spin for a moment.
            time.sleep(0.05)
            rates[name].append(measure(options.seconds))
    return {name: statistics.median(values) for name, values in rates.items()}


def ratios(rates):
    """chargen's speedup: f32 over the fastest f32 peer, and int8 over ONNX Runtime's int8, or over
    PyTorch where that is the only peer."""
    fastest = max(rates["PyTorch"], rates.get("ONNX Runtime f32", 0))
    return rates["chargen f32"] / fastest, rates["chargen int8"] / rates.get("ONNX Runtime int8", rates["PyTorch"])


def cases(sizes):
    one = [("lstm", *size) for size in SIZES] + [("gru", 128, 2), ("rnn", 128, 2)]
    every = [Case(*shape, threads, 1) for shape in one for threads in (1, 2)] + [Case("lstm", 512, 2, 2, 32)]
    return [case for case in every if not sizes or f"{case.hidden}x{case.layers}" in sizes]


def processor():
    for line in open("/proc/cpuinfo", encoding="utf-8"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def row(*cells):
    print("|", " | ".join(str(cell) for cell in cells), "|", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", type=pathlib.Path, required=True, help="the program of Benchmarks/engine")
    parser.add_argument("--models", type=pathlib.Path, required=True, help="the folder that benchmark-models wrote")
    parser.add_argument("--sizes", nargs="*", help="of hidden×layers, such as 128x2; all by default")
    parser.add_argument("--seconds", type=float, default=1, help="the length of one run of one contestant (1)")
    parser.add_argument("--rounds", type=int, default=5, help="the runs of each contestant (5)")
    parser.add_argument("--json", action="store_true", help="print one object per line instead of a table")
    options = parser.parse_args()
    # PyTorch warns that it will replace TorchScript in a later version.
    warnings.simplefilter("ignore")
    # The quantiser recommends a preparation that graphs of known shapes do not need.
    logging.disable(logging.WARNING)

    names = ["PyTorch", "ONNX Runtime f32", "ONNX Runtime int8"] + [f"chargen {weights}" for weights in WEIGHTS]
    if not options.json:
        print(
            f"{datetime.date.today()}, {processor()}, {os.cpu_count()} cores, "
            f"PyTorch {torch.__version__}, ONNX Runtime {onnxruntime.__version__}. Characters per second.\n"
        )
        row("model", "threads", "streams", *names, "f32 ratio", "int8 ratio")
        row("---", *["---:"] * (len(names) + 4))
    for case in cases(options.sizes):
        rates = compare(case, options)
        if options.json:
            print(json.dumps(case._asdict() | {name: round(value, 1) for name, value in rates.items()}), flush=True)
        else:
            shown = [f"{rates[name]:,.0f}" if name in rates else "" for name in names]
            title = f"{case.cell} {case.hidden}×{case.layers}"
            row(title, case.threads, case.batch, *shown, *[f"{ratio:.1f}" for ratio in ratios(rates)])


if __name__ == "__main__":
    main()
