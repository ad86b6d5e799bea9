"""Writes golden.json: predictions and the measures of scikit-learn, SciPy and statsmodels for them.

    pip install scikit-learn statsmodels && python make.py
"""
import json
import pathlib

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, log_loss, precision_recall_fscore_support
from statsmodels.stats.contingency_tables import mcnemar

rng = np.random.default_rng(7)
cases = []
for name, images, classes, scale in [("balanced", 200, 5, 3.0), ("two classes", 40, 2, 1.0), ("rare and missing classes", 60, 8, 2.0)]:
    weights = np.ones(classes) if name != "rare and missing classes" else np.array([30, 20, 5, 3, 1, 1, 0, 0.0])
    labels = rng.choice(classes, images, p=weights / weights.sum())
    logits = rng.normal(size=(images, classes)).astype(np.float32)
    logits[np.arange(images), labels] += 0.8
    logits = np.round(logits * scale, 4).astype(np.float32)
    other = logits + rng.normal(size=logits.shape) * scale
    predicted, second = logits.argmax(1), other.argmax(1)
    every = np.arange(classes)
    per_class = precision_recall_fscore_support(labels, predicted, labels=every, zero_division=0)
    macro = precision_recall_fscore_support(labels, predicted, average="macro", zero_division=0)
    weighted = precision_recall_fscore_support(labels, predicted, average="weighted", zero_division=0)
    a, b = predicted == labels, second == labels
    table = [[int((a & b).sum()), int((a & ~b).sum())], [int((~a & b).sum()), int((~a & ~b).sum())]]
    best = minimize_scalar(lambda t: log_loss(labels, np.exp(log_softmax(logits.astype(np.float64) / np.exp(t), axis=1)), labels=every),
                           bounds=(-3, 3), method="bounded", options={"xatol": 1e-9})
    cases.append({
        "name": name, "classes": classes, "labels": labels.tolist(), "logits": [round(float(v), 4) for v in logits.ravel()],
        "second": second.tolist(), "confusion": confusion_matrix(labels, predicted, labels=every).tolist(),
        "precision": per_class[0].tolist(), "recall": per_class[1].tolist(), "f1": per_class[2].tolist(), "support": per_class[3].tolist(),
        "macro": [float(v) for v in macro[:3]], "weighted": [float(v) for v in weighted[:3]],
        "balanced_accuracy": float(balanced_accuracy_score(labels, predicted)),
        "mcnemar": float(mcnemar(table, exact=True).pvalue), "temperature": float(np.exp(best.x)),
    })
pathlib.Path(__file__).with_name("golden.json").write_text("".join(json.dumps(c) + "\n" for c in cases))
