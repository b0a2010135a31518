"""What an expert writes without this project: plain PyTorch and Optuna, one file, no records of the epochs.

The yardstick of scripts/bench (d): the same space, epochs, pruner, patience, split and seed as `python train.py -m`.

    python scripts/expert_loop.py --seed 0 --n-trials 30
"""

import argparse
import copy
import json
import time

import optuna
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

MAX_EPOCHS, PATIENCE = 100, 10


def load():
    inputs, targets = load_digits(return_X_y=True)
    rest, test, rest_y, test_y = train_test_split(inputs, targets, test_size=0.2, random_state=42, stratify=targets)
    train, val, train_y, val_y = train_test_split(rest, rest_y, test_size=0.25, random_state=42, stratify=rest_y)
    scaler = StandardScaler().fit(train)
    parts = ((train, train_y), (val, val_y), (test, test_y))
    return [TensorDataset(torch.tensor(scaler.transform(x)).float(), torch.tensor(y)) for x, y in parts]


def network(num_layers, units, dropout):
    layers, size = [], 64
    for _ in range(num_layers):
        layers += [nn.Linear(size, units, bias=False), nn.BatchNorm1d(units), nn.ReLU(), nn.Dropout(dropout)]
        size = units
    return nn.Sequential(*layers, nn.Linear(size, 10))


def evaluate(model, loader, criterion):
    model.eval()
    loss, hits, count = 0.0, 0, 0
    with torch.no_grad():
        for inputs, targets in loader:
            outputs = model(inputs)
            loss += criterion(outputs, targets).item() * len(targets)
            hits += (outputs.argmax(1) == targets).sum().item()
            count += len(targets)
    return loss / count, hits / count


def objective(trial, parts, seed, epochs):
    torch.manual_seed(seed)
    lr = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
    batch_size = trial.suggest_categorical("batch_size", (16, 32, 64, 128, 256))
    num_layers = trial.suggest_int("num_layers", 1, 3)
    units = trial.suggest_int("units", 32, 512, log=True)
    dropout = trial.suggest_float("dropout", 0.1, 0.6)
    weight_decay = trial.suggest_float("weight_decay", 1e-5, 1e-2, log=True)
    model = network(num_layers, units, dropout)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=5, min_lr=1e-7)
    criterion = nn.CrossEntropyLoss()
    train = DataLoader(parts[0], batch_size=batch_size, shuffle=True)
    val = DataLoader(parts[1], batch_size=256)
    best, best_state, waited = float("inf"), None, 0
    for epoch in range(1, MAX_EPOCHS + 1):
        model.train()
        for inputs, targets in train:
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        loss, _ = evaluate(model, val, criterion)
        epochs.append(epoch)
        scheduler.step(loss)
        waited += 1
        if loss < best:
            best, best_state, waited = loss, copy.deepcopy(model.state_dict()), 0
        trial.report(loss, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
        if waited >= PATIENCE:
            break
    trial.set_user_attr("params", [num_layers, units, dropout])
    objective.states[trial.number] = best_state
    return best


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n-trials", type=int, default=30)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    started = time.perf_counter()
    parts, epochs = load(), []
    objective.states = {}
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=arguments.seed),
        pruner=optuna.pruners.MedianPruner(n_warmup_steps=5),
    )
    study.optimize(lambda trial: objective(trial, parts, arguments.seed, epochs), n_trials=arguments.n_trials)
    model = network(*study.best_trial.user_attrs["params"])
    model.load_state_dict(objective.states[study.best_trial.number])
    _, accuracy = evaluate(model, DataLoader(parts[2], batch_size=256), nn.CrossEntropyLoss())
    seconds = time.perf_counter() - started
    print(json.dumps({"best": study.best_value, "test": accuracy, "epochs": len(epochs), "seconds": seconds}))


if __name__ == "__main__":
    main()
