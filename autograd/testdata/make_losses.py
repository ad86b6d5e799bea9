"""Writes losses.json: weighted and focal losses with their gradients, computed by PyTorch in float64.

Needs PyTorch. Usage: python make_losses.py > losses.json

Cross entropy is torch.nn.CrossEntropyLoss with weight and label_smoothing, of labels and of distributions. PyTorch has
no focal loss of classes that exclude each other; it is written out here as by Lin et al. 2017 (arXiv:1708.02002).
"""

import json

import torch

torch.manual_seed(0)
ROWS, CLASSES = 6, 5
WEIGHTS = [0.2, 3.0, 1.0, 0.5, 2.5]
LAMBDA = 0.3


def soft(labels, mixed):
    """The targets of mixed rows."""
    one_hot = torch.nn.functional.one_hot
    return LAMBDA * one_hot(labels, CLASSES).double() + (1 - LAMBDA) * one_hot(mixed, CLASSES).double()


def focal(logits, target, weight, smoothing, gamma):
    """The focal loss of labels (N) or of targets (N, classes)."""
    weight = torch.ones(CLASSES, dtype=torch.float64) if weight is None else weight
    labels = target.dim() == 1
    total = weight[target].sum() if labels else float(len(target))
    if labels and smoothing == 0:  # as the paper writes it, of the label's probability alone
        p = torch.softmax(logits, 1).gather(1, target[:, None])[:, 0]
        return (-weight[target] * (1 - p) ** gamma * p.log()).sum() / total
    q = torch.nn.functional.one_hot(target, CLASSES).double() if labels else target
    q = (1 - smoothing) * q + smoothing / CLASSES
    log_p = torch.log_softmax(logits, 1)
    return -(weight * q * (1 - log_p.exp()) ** gamma * log_p).sum() / total


def case(scale, mixed, weight, smoothing, gamma):
    logits = (scale * torch.randn(ROWS, CLASSES)).double().requires_grad_()
    labels, partners = torch.randint(CLASSES, (2, ROWS))
    target = soft(labels, partners) if mixed else labels
    w = None if weight is None else torch.tensor(weight, dtype=torch.float64)
    if gamma == 0:
        loss = torch.nn.CrossEntropyLoss(weight=w, label_smoothing=smoothing)(logits, target)
    else:
        loss = focal(logits, target, w, smoothing, gamma)
    loss.backward()
    return {
        "logits": logits.detach().flatten().tolist(), "classes": CLASSES, "labels": labels.tolist(),
        "mixed_labels": partners.tolist() if mixed else None, "lambda": LAMBDA if mixed else 1,
        "weights": weight, "smoothing": smoothing, "gamma": gamma,
        "loss": loss.item(), "gradient": logits.grad.flatten().tolist(),
    }


cases = [
    case(scale, mixed, weight, smoothing, gamma)
    for scale in (1, 8)
    for mixed in (False, True)
    for weight in (None, WEIGHTS)
    for smoothing in (0, 0.1)
    for gamma in (0, 0.5, 2)
]
print("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]")
