"""Makes the fixtures of documents with labels: what PyTorch computes for small models.

    make_label_fixtures.py FOLDER

It needs torch 2.13 (the CPU build) and safetensors, and writes three files to FOLDER, which
README.md describes. A document begins from the state of no label plus those of its labels, hidden
states limited to ±1.
"""

import pathlib
import sys

import torch
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy, one_hot

LAYERS, HIDDEN = 2, 16
SYMBOLS, END = 11, 10
# The labels of each of two columns, and the documents' lengths.
COLUMNS = (3, 2)
LENGTHS = (4, 1, 9, 6, 2, 7, 3)
# Where each row begins in the text: where a document does, and within one.
ROWS = (0, 8, 13, 21)
STEPS = 12


class Network(torch.nn.Module):
    def __init__(self, cell):
        super().__init__()
        self.rnn = getattr(torch.nn, cell)(SYMBOLS, HIDDEN, LAYERS)
        self.fc = torch.nn.Linear(HIDDEN, SYMBOLS)
        self.labels = torch.nn.ParameterDict()
        for name in ("hidden", "cell") if cell == "LSTM" else ("hidden",):
            self.labels[name] = torch.nn.Parameter(torch.empty(1 + sum(COLUMNS), LAYERS * HIDDEN).uniform_(-0.6, 0.6))

    def initial(self, numbers):
        """The state of a document with labels of these numbers, [layers, 1, hidden size] each."""
        rows, first = [0], 1
        for number, count in zip(numbers, COLUMNS):
            rows += [first + number - 1] if number else []
            first += count
        states = {name: sum(states[row] for row in rows).reshape(LAYERS, 1, HIDDEN) for name, states in self.labels.items()}
        states["hidden"] = states["hidden"].clamp(-1, 1)
        return tuple(states.values())

    def row(self, symbols, documents, numbers):
        """The logits after each symbol; documents begin with the first, and at ends of others."""
        state, logits = None, []
        for step, (symbol, document) in enumerate(zip(symbols.tolist(), documents)):
            if step == 0 or symbol == END:
                state = self.initial(numbers[document])
            inputs = one_hot(torch.tensor([[symbol]]), SYMBOLS).float()
            output, new = self.rnn(inputs, state if len(state) > 1 else state[0])
            state = new if isinstance(new, tuple) else (new,)
            logits.append(self.fc(output[0, 0]))
        return torch.stack(logits)


def fixture(cell, seed):
    torch.manual_seed(seed)
    network = Network(cell)
    # A character is any symbol but the end.
    documents = [torch.randint(END, (length,)) for length in LENGTHS]
    text = torch.cat([torch.cat([document, torch.tensor([END])]) for document in documents])
    owner = [index for index, length in enumerate(LENGTHS) for _ in range(length + 1)]
    # 0 is no label.
    numbers = torch.stack([torch.randint(count + 1, (len(LENGTHS),)) for count in COLUMNS], 1)
    inputs = torch.cat([torch.tensor([END]), text[:-1]])

    logits = torch.stack([
        network.row(inputs[start : start + STEPS], owner[start : start + STEPS], numbers.tolist()) for start in ROWS])
    targets = torch.stack([text[start : start + STEPS] for start in ROWS])
    loss = cross_entropy(logits.flatten(0, 1), targets.flatten())
    loss.backward()
    tensors = {"text": text, "numbers": numbers, "rows": torch.tensor(ROWS)}
    tensors |= {"logits": logits.detach(), "loss": loss.detach().reshape(1)}
    for name, parameter in network.named_parameters():
        tensors |= {f"init.{name}": parameter.detach(), f"grad.{name}": parameter.grad}
    return {name: value.contiguous() for name, value in tensors.items()}


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for seed, cell in enumerate(("LSTM", "GRU", "RNN")):
        path = folder / f"labels-{cell.lower()}.safetensors"
        save_file(fixture(cell, seed), path)
        print(path)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make_label_fixtures.py FOLDER")
    main(pathlib.Path(sys.argv[1]))
