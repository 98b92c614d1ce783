"""A character-level trainer in PyTorch with the training and the reports of `trainer train`.

    pytorch_trainer.py TEXT --cell lstm --hidden 128 --layers 2 --batch 50 --time 50
                       [--optimiser muon --schedule cosine --learning-rate 0.015 --clip-norm 1] …

Contiguous streams with the state carried over, and the end of every stream held out, with the
settings of `trainer train --preset char-rnn`. Each report is one line of JSON on standard output.
The exit status is UNSUPPORTED where PyTorch lacks the kernels.
"""

import argparse
import json
import math
import sys
import time

import torch

# PyTorch has no bfloat16 kernels for an LSTM on processors without AVX-512.
UNSUPPORTED = 3


class Model(torch.nn.Module):
    def __init__(self, symbols, options):
        super().__init__()
        self.symbols = symbols
        kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[options.cell]
        self.rnn = kind(symbols, options.hidden, options.layers)
        self.fc = torch.nn.Linear(options.hidden, symbols)
        for parameter in self.parameters():
            torch.nn.init.uniform_(parameter, -0.08, 0.08)
        if options.cell == "lstm":
            with torch.no_grad():
                for layer in range(options.layers):
                    forget = slice(options.hidden, 2 * options.hidden)
                    getattr(self.rnn, f"bias_ih_l{layer}")[forget] = 1
                    getattr(self.rnn, f"bias_hh_l{layer}")[forget] = 0

    def forward(self, ids, state):
        x = torch.nn.functional.one_hot(ids, self.symbols).to(torch.float32)
        y, state = self.rnn(x, state)
        return self.fc(y), state


def is_recurrent(name):
    """Whether a parameter of a recurrent network is a matrix between hidden units."""
    return name.startswith("weight") and name != "weight_ih_l0"


def detached(state):
    return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text")
    parser.add_argument("--cell", choices=["lstm", "gru", "rnn"], default="lstm")
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--time", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--optimiser", choices=["adam", "muon"], default="adam")
    parser.add_argument("--learning-rate", type=float, default=0.002)
    parser.add_argument("--schedule", choices=["exponential", "cosine"], default="exponential")
    parser.add_argument("--clip-norm", type=float, default=0, help="in place of a limit of 5 for each gradient")
    parser.add_argument("--validate-every", type=int, default=0, help="updates; 0: after each epoch")
    parser.add_argument("--report-every", type=int, default=0)
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)

    with open(options.text, encoding="utf-8", newline="") as file:
        text = file.read()
    place = {character: index for index, character in enumerate(sorted(set(text)))}
    symbols = torch.tensor([place[character] for character in text])
    length = (len(symbols) - 1) // options.batch
    streams = symbols[: length * options.batch].view(options.batch, length).t().contiguous()
    steps = (length - 1) // options.time
    held_out = max(1, round(steps * 0.05))

    model = Model(len(place), options)
    recurrent = [value for name, value in model.rnn.named_parameters() if is_recurrent(name)]
    if options.optimiser == "muon":
        others = [value for value in model.parameters() if all(value is not other for other in recurrent)]
        # As in `trainer train`: an RMS of 0.1 times the learning rate, where PyTorch's is 0.2.
        muon = torch.optim.Muon(
            recurrent, options.learning_rate / 2, weight_decay=0, ns_steps=3, adjust_lr_fn="match_rms_adamw"
        )
        optimisers = [torch.optim.Adam(others, options.learning_rate), muon]
    else:
        optimisers = [torch.optim.Adam(model.parameters(), options.learning_rate)]

    def loss(step, state):
        start = step * options.time
        ids, targets = streams[start : start + options.time], streams[start + 1 : start + options.time + 1]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.precision == "bf16"):
            logits, state = model(ids, state)
        logits = logits.float().reshape(-1, len(place))
        return torch.nn.functional.cross_entropy(logits, targets.reshape(-1)), detached(state)

    def report(**values):
        print(json.dumps(values), flush=True)

    try:
        loss(0, None)[0].backward()
    except RuntimeError as error:
        if "could not create a primitive" not in str(error):
            raise
        print(f"pytorch_trainer.py: no {options.cell} in {options.precision} here: {error}", file=sys.stderr)
        sys.exit(UNSUPPORTED)

    def validate(epoch, updates):
        with torch.no_grad():
            state, total = None, 0.0
            for step in range(steps - held_out, steps):
                value, state = loss(step, state)
                total += value.item()
        report(epoch=epoch, update=updates, validationLoss=total / held_out)

    def factor(epoch, updates):
        if options.schedule == "exponential":
            return 0.97 ** max(0, epoch - 10)
        return (1 + math.cos(math.pi * updates / ((steps - held_out) * options.epochs))) / 2

    updates, since, characters = 0, time.perf_counter(), 0
    for epoch in range(1, options.epochs + 1):
        state = None
        for step in range(steps - held_out):
            for optimiser in optimisers:
                group = optimiser.param_groups[0]
                group["lr"] = group.setdefault("first_lr", group["lr"]) * factor(epoch, updates)
                optimiser.zero_grad()
            value, state = loss(step, state)
            value.backward()
            if options.clip_norm:
                torch.nn.utils.clip_grad_norm_(model.parameters(), options.clip_norm)
            else:
                torch.nn.utils.clip_grad_value_(model.parameters(), 5)
            for optimiser in optimisers:
                optimiser.step()
            value = value.item()
            updates += 1
            characters += options.batch * options.time
            if options.report_every and updates % options.report_every == 0:
                now = time.perf_counter()
                report(update=updates, loss=value, charactersPerSecond=characters / (now - since))
                since, characters = now, 0
            if options.validate_every and updates % options.validate_every == 0:
                validate(epoch, updates)
        if not options.validate_every or epoch == options.epochs:
            validate(epoch, updates)
        since, characters = time.perf_counter(), 0


if __name__ == "__main__":
    main()
