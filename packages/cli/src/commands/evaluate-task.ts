import type { NetworkOutput } from '@q/evaluate';
import type { Graph } from '@q/ir';

/** One figure of a result. Fractions are shown as percentages. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'fraction' | 'dB';
}

/** Counts for one network. */
export interface Counter {
  add(sample: number, outputs: readonly NetworkOutput[]): void;
  /** The main figure first. */
  result(): readonly Figure[];
}

/** What a network is measured by. Made once, before anything runs: labels that do not fit the samples are refused then. */
export interface EvaluationTask {
  /** `topk`, `yolo`, …: the CSV is named after it, as the vendor's harness does. */
  readonly harness: string;
  /** @throws QError when the network's outputs do not fit the labels. */
  counter(network: Graph): Counter;
}
