"""Writes multilabel.json: scores and labels of images with any number of classes, and scikit-learn's measures of them.

    pip install scikit-learn && python make_multilabel.py
"""
import json
import pathlib

import numpy as np
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, precision_recall_curve, precision_recall_fscore_support

rng = np.random.default_rng(11)
cases = []
for name, images, rates, digits in [("balanced", 120, [0.5, 0.3, 0.4, 0.2], 6), ("equal scores", 80, [0.3, 0.3, 0.5], 1),
                                    ("rare classes", 90, [0.02, 0.04, 0.6, 0.0, 0.99], 6), ("one class", 30, [0.4], 6)]:
    labels = rng.random((images, len(rates))) < np.array(rates)
    if name == "rare classes":
        labels[:, 0] = False
        labels[17, 0] = True
    scores = np.round(rng.normal(size=labels.shape) * 1.5 + labels * 1.2 - 0.5, digits).astype(np.float32)
    probabilities = 1 / (1 + np.exp(-scores.astype(np.float64)))
    thresholds = np.round(np.linspace(0.35, 0.6, len(rates)), 3)
    predicted = probabilities >= thresholds
    present = [c for c in range(len(rates)) if labels[:, c].any()]
    best = []
    for c in present:
        precision, recall, _ = precision_recall_curve(labels[:, c], probabilities[:, c])
        best.append(float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-300))))
    per_class = precision_recall_fscore_support(labels, predicted, average=None, zero_division=0) if len(rates) > 1 else \
        [[v] for v in precision_recall_fscore_support(labels[:, 0], predicted[:, 0], average="binary", zero_division=0)[:3]] + [[int(labels.sum())]]
    two = (lambda a: a if len(rates) > 1 else np.hstack([a, np.zeros_like(a)]))  # scikit-learn takes one column as two classes
    cases.append({
        "name": name, "classes": len(rates), "scores": [float(v) for v in scores.ravel()], "labels": labels.ravel().tolist(), "present": present,
        "ap": [float(average_precision_score(labels[:, c], scores[:, c])) for c in present],
        "map": float(average_precision_score(labels[:, present], scores[:, present], average="macro")),
        "thresholds": thresholds.tolist(), "best_f1": best,
        "precision": [float(v) for v in per_class[0]], "recall": [float(v) for v in per_class[1]], "f1": [float(v) for v in per_class[2]],
        "support": [int(v) for v in per_class[3]],
        "micro_f1": float(f1_score(two(labels), two(predicted), average="micro", zero_division=0)),
        "macro_f1": float(np.mean(per_class[2])),
        "exact": float(accuracy_score(two(labels), two(predicted))),
    })
pathlib.Path(__file__).with_name("multilabel.json").write_text("".join(json.dumps(c) + "\n" for c in cases))
