"""Makes the fixtures of this folder: what PyTorch computes for small models.

    make_fixtures.py FOLDER

It needs torch 2.13 (the CPU build) and safetensors, and writes eight files to FOLDER, which
README.md describes. The initial parameters and the text depend on the order of the draws from
PyTorch's generator: the recurrent layers, the output layer, the text.
"""

import pathlib
import sys

import torch
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy, one_hot

# Each model's seed is its place in the list.
MODELS = [("LSTM", 1, 8), ("LSTM", 2, 16), ("GRU", 2, 16), ("RNN", 2, 16)]
SYMBOLS = 11
ROWS = 3
STEPS = 7
UPDATES = 5


class Network(torch.nn.Module):
    def __init__(self, cell, layers, hidden_size):
        super().__init__()
        self.rnn = getattr(torch.nn, cell)(SYMBOLS, hidden_size, layers, batch_first=True)
        self.fc = torch.nn.Linear(hidden_size, SYMBOLS)

    def forward(self, symbols, state):
        outputs, state = self.rnn(one_hot(symbols, SYMBOLS).to(self.fc.weight.dtype), state)
        return self.fc(outputs), state

    def loss(self, minibatch, state=None):
        """The mean cross-entropy of a minibatch in nats, its logits, and the state after it."""
        symbols, targets = minibatch
        logits, state = self(symbols, state)
        return cross_entropy(logits.flatten(0, 1), targets.flatten()), logits, state

    def parameters_named(self, prefix):
        return {prefix + name: value.detach().clone() for name, value in self.named_parameters()}


def parts(state):
    """The hidden states and, for an LSTM, the cell states."""
    return state if isinstance(state, tuple) else (state,)


def detached(state):
    return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()


def gradients(network, minibatch):
    """What the fixture holds of a single pass over a minibatch from a zero state."""
    loss, logits, state = network.loss(minibatch)
    loss.backward()
    tensors = {"logits.0": logits.detach(), "loss.0": loss.detach().reshape(1)}
    tensors |= {f"state.{name}.0": part.detach() for name, part in zip("hc", parts(state))}
    tensors |= {f"grad.{name}": parameter.grad.clone() for name, parameter in network.named_parameters()}
    return tensors


def train(network, minibatches):
    """Makes the updates, on the minibatches in turn, and returns the loss before each."""
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01, betas=(0.9, 0.999), eps=1e-8)
    state, losses = None, []
    for update in range(UPDATES):
        optimiser.zero_grad()
        loss, _, state = network.loss(minibatches[update % len(minibatches)], state)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        state = detached(state)
        losses.append(loss.detach().reshape(1))
    return losses


def fixtures(cell, layers, hidden_size, seed):
    """The tensors of a model's two files: those in 32 bits, and those that were computed in 64."""
    torch.manual_seed(seed)
    network = Network(cell, layers, hidden_size)
    text = torch.randint(SYMBOLS, (ROWS, 2 * STEPS + 1))
    minibatches = [(text[:, first : first + STEPS], text[:, first + 1 : first + STEPS + 1]) for first in (0, STEPS)]

    tensors = network.parameters_named("init.")
    for index, (symbols, targets) in enumerate(minibatches):
        tensors |= {f"input.{index}": symbols, f"target.{index}": targets}
    exact = Network(cell, layers, hidden_size).double()
    exact.load_state_dict(network.state_dict())

    tensors |= gradients(network, minibatches[0])
    tensors |= {f"step.{update}.loss": loss for update, loss in enumerate(train(network, minibatches))}
    tensors |= network.parameters_named(f"step.{UPDATES}.")
    train(exact, minibatches)
    return tensors, {name: value.float() for name, value in exact.parameters_named(f"exact.{UPDATES}.").items()}


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (cell, layers, hidden_size) in enumerate(MODELS):
        name = f"{cell.lower()}-{layers}x{hidden_size}"
        for suffix, tensors in zip(("", "-float64"), fixtures(cell, layers, hidden_size, seed)):
            path = folder / f"{name}{suffix}.safetensors"
            save_file({name: value.contiguous() for name, value in tensors.items()}, path)
            print(path)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make_fixtures.py FOLDER")
    main(pathlib.Path(sys.argv[1]))
