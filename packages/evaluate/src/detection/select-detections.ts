import type { Detection } from './average-precision.ts';
import { intersectionOverUnion } from './box.ts';

/** A detector's candidates before selection: boxes in pixels of the network input and a score per class. */
export interface Candidates {
  readonly classes: number;
  /** x0, y0, x1, y1 of each candidate. */
  readonly boxes: Float32Array;
  /** `classes` scores of each candidate, 0..1. */
  readonly scores: Float32Array;
}

export interface SelectionOptions {
  readonly scoreThreshold: number;
  /** Overlap above which the weaker box of a class is dropped. */
  readonly iouThreshold: number;
  readonly maxDetections: number;
  /** Whether a candidate may become a detection of several classes (COCO evaluations), or of its best one only. */
  readonly isMultiLabel: boolean;
}

/** More than this before suppression is noise; the best are kept. */
const MAX_CANDIDATES = 30_000;

/** Detections by falling score after non-maximum suppression within each class. */
export function selectDetections(candidates: Candidates, options: SelectionOptions): Detection[] {
  const found = scored(candidates, options)
    .sort((a, b) => b.score - a.score)
    .slice(0, MAX_CANDIDATES);
  const kept: Detection[] = [];
  const byCategory = new Map<number, Detection[]>();
  for (const detection of found) {
    const rivals = byCategory.get(detection.category) ?? [];
    if (rivals.some((rival) => intersectionOverUnion(rival, detection) > options.iouThreshold)) continue;
    byCategory.set(detection.category, [...rivals, detection]);
    kept.push(detection);
    if (kept.length === options.maxDetections) break;
  }
  return kept;
}

function scored({ classes, boxes, scores }: Candidates, options: SelectionOptions): Detection[] {
  const found: Detection[] = [];
  const add = (candidate: number, category: number): void => {
    const score = scores[candidate * classes + category]!;
    if (!(score > options.scoreThreshold)) return;
    const [x0, y0, x1, y1] = boxes.subarray(4 * candidate, 4 * candidate + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    found.push({ x0, y0, x1, y1, score, category });
  };
  for (let candidate = 0; candidate < boxes.length / 4; candidate++) {
    if (options.isMultiLabel) for (let category = 0; category < classes; category++) add(candidate, category);
    else add(candidate, largest(scores, candidate * classes, classes));
  }
  return found;
}

function largest(values: Float32Array, start: number, count: number): number {
  let best = 0;
  for (let i = 1; i < count; i++) if (values[start + i]! > values[start + best]!) best = i;
  return best;
}
