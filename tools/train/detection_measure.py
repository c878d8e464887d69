"""COCO's average precision in a few lines of NumPy, to watch a training with and to write a reference by.

Matching and interpolation as in COCO's detection evaluation: per class, detections by falling score take the unmatched box of
highest overlap; precision is made monotone and read at 101 recalls; thresholds .50 to .95; at most 100 detections an image.
There are no crowds and no area ranges here.
"""

import numpy as np

THRESHOLDS = np.linspace(0.5, 0.95, 10)


def overlaps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes as corner rows x0, y0, x1, y1."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:4], second[None, :, 2:4])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1) for boxes in (first, second)]
    return shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9)


def suppress(boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray, limit: float, at_most: int) -> np.ndarray:
    """Indices that non-maximum suppression within each class keeps, by falling score."""
    kept: list[int] = []
    order = np.argsort(-scores, kind="stable")
    for index in order:
        same = [other for other in kept if classes[other] == classes[index]]
        if not same or overlaps(boxes[index : index + 1], boxes[same]).max() <= limit:
            kept.append(int(index))
            if len(kept) == at_most:
                break
    return np.array(kept, int)


def average_precision(detections: list, truths: list, classes: int) -> tuple[float, float]:
    """AP@[.5:.95] and AP@.5. Per image: detections as rows (x0, y0, x1, y1, score, class), truths (x0, y0, x1, y1, class)."""
    rows = []
    for kind in range(classes):
        total = sum(int((truth[:, 4] == kind).sum()) for truth in truths)
        if total == 0:
            continue
        scores, hits = [], []
        for found, truth in zip(detections, truths):
            found, truth = found[found[:, 5] == kind], truth[truth[:, 4] == kind]
            found = found[np.argsort(-found[:, 4], kind="stable")]
            shared = overlaps(found, truth) if len(found) and len(truth) else np.zeros((len(found), len(truth)))
            hit = np.zeros((len(THRESHOLDS), len(found)), bool)
            for level, threshold in enumerate(THRESHOLDS):
                taken = np.zeros(len(truth), bool)
                for index in range(len(found)):
                    free = np.where(taken, -1, shared[index])
                    if len(free) and free.max() >= threshold:
                        taken[free.argmax()] = True
                        hit[level, index] = True
            scores.append(found[:, 4])
            hits.append(hit)
        order = np.argsort(-np.concatenate(scores), kind="stable")
        hits = np.concatenate(hits, 1)[:, order]
        row = []
        for hit in hits:
            right = np.cumsum(hit)
            recall, precision = right / total, right / np.arange(1, len(hit) + 1)
            precision = np.maximum.accumulate(precision[::-1])[::-1]
            places = np.searchsorted(recall, np.linspace(0, 1, 101), side="left")
            row.append(np.where(places < len(precision), np.append(precision, 0)[np.minimum(places, len(precision))], 0).mean())
        rows.append(row)
    table = np.array(rows)
    return float(table.mean()), float(table[:, 0].mean())
