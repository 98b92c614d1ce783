"""Models from PyTorch, and to PyTorch, ONNX Runtime and C: equal logits and equal greedy texts.

    pytorch.py TRAINER BUILD [TEXT]

TRAINER is the command, BUILD the folder of libchargen.a. TEXT is a file to train on, the list of
place names without it. PYTHONPATH and CHARGEN_LIBRARY must name the Python package and the library.

PyTorch trains an RNN, a GRU and an LSTM, which the command imports; the command trains one of each,
and exports it in every format. The blocks of Python in docs/pytorch.md save and load them.
"""

from __future__ import annotations

import copy
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import torch
from chargen import Model, Session

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Of logits. In 32 bits PyTorch and ONNX Runtime may differ by more from PyTorch in 64 bits, where
# weights are large; then twice that difference is allowed.
TOLERANCE = 1e-5
HIDDEN, LAYERS = 64, 2
# The updates that PyTorch trains each network with.
UPDATES = 250
# The characters whose logits are compared, and those that are generated.
COMPARED, GENERATED = 2000, 200


def documented_blocks() -> list[str]:
    document = (ROOT / "docs/pytorch.md").read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", document, re.DOTALL | re.MULTILINE)


SAVE, SAVE_LOGITS, LOAD, RUN_ONNX = documented_blocks()


class Network(torch.nn.Module):
    """What people train: an embedding or one-hot vectors, a recurrent module, a linear one."""

    def __init__(self, cell: str, symbols: int, embedding: int | None, bias: bool) -> None:
        super().__init__()
        self.symbols = symbols
        self.encoder = torch.nn.Embedding(symbols, embedding) if embedding else None
        self.recurrent = getattr(torch.nn, cell)(embedding or symbols, HIDDEN, LAYERS, batch_first=True, bias=bias)
        self.decoder = torch.nn.Linear(HIDDEN, symbols, bias=bias)

    def forward(self, symbols, state=None):
        one_hot = torch.nn.functional.one_hot(symbols, self.symbols).to(self.decoder.weight)
        y, state = self.recurrent(self.encoder(symbols) if self.encoder else one_hot, state)
        return self.decoder(y), state


def train(network: torch.nn.Module, symbols: torch.Tensor) -> float:
    """Trains, and returns the last loss, in nats per character."""
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    generator = torch.Generator().manual_seed(1)
    for _ in range(UPDATES):
        starts = torch.randint(len(symbols) - 65, (32,), generator=generator).tolist()
        rows = torch.stack([symbols[start : start + 65] for start in starts])
        logits, _ = network(rows[:, :-1])
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1)
        optimiser.step()
    return loss.item()


def torch_logits(network: torch.nn.Module, symbols: list[int]) -> np.ndarray:
    """The logits after each symbol."""
    with torch.inference_mode():
        return network(torch.tensor([symbols]))[0][0].numpy()


def torch_greedy(network: torch.nn.Module, prompt: list[int]) -> list[int]:
    symbols, state, generated = torch.tensor([prompt]), None, []
    with torch.inference_mode():
        while len(generated) < GENERATED:
            logits, state = network(symbols, state)
            generated.append(int(logits[0, -1].argmax()))
            symbols = torch.tensor([[generated[-1]]])
    return generated


def chargen_logits(model: Model, text: str) -> np.ndarray:
    """The logits after each character."""
    session, rows = Session(model), []
    for character in text:
        session.feed(character)
        rows.append(np.array(session.logits()))
    return np.stack(rows)


def chargen_greedy(model: Model, prompt: str) -> str:
    session = Session(model, temperature=0)
    session.feed(prompt)
    return session.generate(GENERATED)


def trainer(*arguments: object) -> None:
    command = [sys.argv[1], *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        sys.exit(f"{command}: {result.stderr}")


failures = 0


def check(name: str, passed: bool, figure: str = "") -> None:
    global failures
    failures += not passed
    print(f"{'ok' if passed else 'FAILED'}: {name}{figure and ', ' + figure}", flush=True)


def check_logits(name: str, logits: np.ndarray, expected: np.ndarray, exact: np.ndarray) -> None:
    """Compares chargen's logits with other programs', and theirs with PyTorch's in 64 bits."""
    difference = float(np.abs(logits - expected).max())
    rounding = float(np.abs(expected - exact).max())
    check(
        name, difference <= max(TOLERANCE, 2 * rounding),
        f"largest difference {difference:.2g} over {len(logits)} characters (to 64 bits: {rounding:.2g})")


# From PyTorch


def import_networks(text: str) -> None:
    compared, prompt = text[:COMPARED], text[:20]
    for cell, embedding, bias in (("LSTM", None, True), ("GRU", 24, True), ("RNN", None, False)):
        name = f"{cell} {LAYERS}×{HIDDEN}" + (f", embedding {embedding}" if embedding else "") + (
            "" if bias else ", without biases")
        # In the order of their frequency, which is not chargen's.
        characters = sorted(set(text), key=text.count, reverse=True)
        symbols = {character: index for index, character in enumerate(characters)}
        torch.manual_seed(1)
        network = Network(cell, len(characters), embedding, bias)
        loss = train(network, torch.tensor([symbols[character] for character in text]))
        exec(SAVE, {"network": network, "characters": characters})
        if embedding:
            pathlib.Path("chars.json").write_text(json.dumps(symbols), encoding="utf-8")
        exec(SAVE_LOGITS, {"network": network, "characters": characters, "text": text, "torch": torch})
        pathlib.Path("text.txt").write_text(compared, encoding="utf-8")
        trainer(
            "import", "weights.safetensors", "--vocabulary", "chars.json", "--output", "imported.cgw", "--text",
            "text.txt", "--logits", "logits.safetensors")

        model = Model("imported.cgw")
        order = [symbols[character] for character in model.characters]
        expected, exact = (
            torch_logits(way, [symbols[character] for character in compared])[:, order]
            for way in (network, copy.deepcopy(network).double()))
        check_logits(f"{name} of PyTorch (loss {loss:.2f})", chargen_logits(model, compared), expected, exact)
        greedy = "".join(characters[index] for index in torch_greedy(network, [symbols[c] for c in prompt]))
        check(f"{name}: {GENERATED} characters, greedily", chargen_greedy(model, prompt) == greedy)


def refuse_other_nonlinearity(text: str) -> None:
    """The weights of a network do not show what its logits do."""
    characters = sorted(set(text))
    network = Network("RNN", len(characters), None, True)
    network.recurrent.nonlinearity, network.recurrent.mode = "relu", "RNN_RELU"
    exec(SAVE, {"network": network, "characters": characters})
    exec(SAVE_LOGITS, {"network": network, "characters": characters, "text": text, "torch": torch})
    arguments = "weights.safetensors --vocabulary chars.json --text text.txt --logits logits.safetensors".split()
    result = subprocess.run([sys.argv[1], "import", *arguments], capture_output=True, text=True, check=False)
    check("an RNN with ReLU is refused by its logits", result.returncode == 1 and "tanh" in result.stderr)


# To PyTorch, to ONNX Runtime, and to C


def onnx_logits(symbols: list[int]) -> np.ndarray:
    """The logits after each symbol, of the second of two rows, whose first reads other symbols."""
    names: dict = {}
    exec(RUN_ONNX, names)
    state, rows = names["start"](2), []
    for symbol in symbols:
        logits, state = names["step"](np.array([0, symbol]), state)
        rows.append(logits[1])
    return np.stack(rows)


def onnx_greedy(prompt: list[int]) -> list[int]:
    names: dict = {}
    exec(RUN_ONNX, names)
    state, symbols = names["start"](1), list(prompt)
    for index in range(len(prompt) + GENERATED - 1):
        logits, state = names["step"](np.array([symbols[index]]), state)
        if index + 1 == len(symbols):
            symbols.append(int(logits[0].argmax()))
    return symbols[len(prompt) :]


PROGRAM = r"""
#include <chargen.h>
#include <stdio.h>
extern const unsigned char model_cgw[];
extern const size_t model_cgw_length;
int main(int count, char **arguments) {
    chargen_model *model;
    chargen_session *session;
    char text[4000];
    size_t length;
    if (chargen_model_load_memory(model_cgw, model_cgw_length, &model) != CHARGEN_OK
        || chargen_session_create(model, &session) != CHARGEN_OK
        || chargen_session_set_temperature(session, 0) != CHARGEN_OK
        || chargen_session_feed(session, arguments[1], strlen(arguments[1])) != CHARGEN_OK
        || chargen_session_generate(session, 200, text, sizeof text, &length) != CHARGEN_OK) {
        fprintf(stderr, "%s\n", chargen_error_message());
        return count;
    }
    fwrite(text, 1, length, stdout);
    return 0;
}
"""


def c_text(prompt: str) -> str:
    """What a static program with the model writes, where there is no other file."""
    build = pathlib.Path(sys.argv[2])
    pathlib.Path("root").mkdir(exist_ok=True)
    pathlib.Path("program.c").write_text("#include <string.h>\n" + PROGRAM, encoding="utf-8")
    flags = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-I", ROOT / "include"]
    subprocess.run(["g++", "-x", "c++", *flags, "-c", "model.c", "-o", "model.o"], check=True)
    for standard in ("-std=c89", "-std=c11"):
        subprocess.run(["gcc", standard, *flags, "-c", "model.c", "-o", "model.o"], check=True)
    program = ["gcc", *flags, "-static", "program.c", "model.o", build / "libchargen.a", "-lm", "-pthread"]
    subprocess.run([*program, "-o", "root/program"], check=True)
    result = subprocess.run(
        ["unshare", "--map-root-user", "chroot", "root", "/program", prompt], capture_output=True, text=True, check=True)
    return result.stdout


def export_networks(path: str, text: str) -> None:
    documents = ["--documents", "paragraph", "--min-count", 20]
    for cell, layers, options in (("lstm", LAYERS, []), ("gru", LAYERS, []), ("rnn", LAYERS, []), ("lstm", 1, documents)):
        name = " ".join([f"{cell} {layers}×{HIDDEN} of chargen", *map(str, options)])
        run = f"{cell}-{len(options)}"
        trainer("train", path, "--cell", cell, "--layers", layers, "--hidden", HIDDEN, "--preset", "char-rnn",
                "--epochs", 2, "--run", run, *options)
        for weights in ("model.cgw", "model.safetensors", "model.onnx", "model.c"):
            trainer("export", weights, "--format", weights.split(".")[1], "--run", run)
        model = Model("model.cgw")
        # One document.
        compared = (max(text.split("\n\n"), key=len) if options else text)[:COMPARED]
        logits = chargen_logits(model, compared)

        names: dict = {}
        exec(LOAD, names)
        network, about = names["network"], names["about"]
        indices = {character: index for index, character in enumerate(about["vocabulary"])}
        symbols = [indices.get(character, about.get("unknown")) for character in compared]
        # Before its first character a session reads the end of a document.
        first = [about["endOfDocument"]] if "endOfDocument" in about else []
        exact = torch_logits(copy.deepcopy(network).double(), first + symbols)[len(first) :]
        check_logits(f"{name}, in PyTorch", logits, torch_logits(network, first + symbols)[len(first) :], exact)
        check_logits(f"{name}, in ONNX Runtime", logits, onnx_logits(first + symbols)[len(first) :], exact)

        trainer("import", "model.safetensors", "--vocabulary", "model.json", "--output", "again.cgw")
        check(f"{name}, exported and imported", bool((chargen_logits(Model("again.cgw"), compared) == logits).all()))
        prompt = compared[:20]
        greedy = chargen_greedy(model, prompt)
        if not options:
            for program, generated in (
                ("PyTorch", torch_greedy(network, symbols[:20])), ("ONNX Runtime", onnx_greedy(symbols[:20]))
            ):  # fmt: skip
                theirs = "".join(about["vocabulary"][index] for index in generated)
                check(f"{name}: {GENERATED} characters, greedily, in {program}", theirs == greedy)
        check(f"{name}, in a program without files", c_text(prompt) == greedy)


def main() -> None:
    path = pathlib.Path(sys.argv[3] if len(sys.argv) > 3 else ROOT / "examples/place-names.txt").resolve()
    text = path.read_text(encoding="utf-8")
    sys.argv[1:3] = [os.path.abspath(argument) for argument in sys.argv[1:3]]
    # On a busy machine threads would wait for each other.
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        import_networks(text)
        refuse_other_nonlinearity(text)
        export_networks(str(path), text)
        os.chdir(ROOT)
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
