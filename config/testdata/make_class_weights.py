"""Writes class_weights.json: class weights of numbers of images.

Needs scikit-learn and NumPy. Usage: python make_class_weights.py > class_weights.json

"balanced" is scikit-learn's compute_class_weight, "effective" the code of Cui et al. 2019 (arXiv:1901.05555), class_balanced_loss.py.
"""

import json

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

BETA = 0.999


def effective(counts):
    effective_num = 1.0 - np.power(BETA, counts)
    weights = (1.0 - BETA) / np.array(effective_num)
    return weights / np.sum(weights) * len(counts)


cases = []
for counts in ([5, 5, 5], [100, 3], [1, 1000], [1300, 732, 50, 7, 1], [28, 28, 27, 3, 3]):
    y = np.repeat(np.arange(len(counts)), counts)
    cases.append({
        "counts": counts,
        "balanced": compute_class_weight("balanced", classes=np.arange(len(counts)), y=y).tolist(),
        "effective": effective(counts).tolist(),
    })
print("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]")
