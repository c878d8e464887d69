import type { LayerSensitivity } from './sensitive-layers.ts';

/** A layer and what it costs, as far as a search knows. */
export interface RankedLayer {
  readonly layer: string;
  /** 1 − score: the mean over the samples that were evaluated so far. */
  readonly loss: number;
  /** Samples that it was tried on so far. */
  readonly samples: number;
}

/** Layers that progress shows. */
const TOP = 5;

/** The costliest layers so far, the costliest first. */
export function costliest(layers: readonly RankedLayer[]): RankedLayer[] {
  return layers.toSorted((a, b) => b.loss - a.loss).slice(0, TOP);
}

/** What a search is doing, in the order in which it happens: drives progress bars, logs and records. */
export type SearchEvent =
  /** A network is run on all samples as a whole: `float` reference, `int8`, `mixed` float set. */
  | { readonly type: 'network'; readonly kind: 'float' | 'int8' | 'mixed' }
  /** The score of INT8 is known. */
  | { readonly type: 'int8-score'; readonly score: number }
  /** The layers that are tried, in the network's order; `lowered` are all that exist in the lowered network. */
  | { readonly type: 'layers'; readonly lowered: readonly string[]; readonly searched: readonly string[] }
  /** Scores of single samples that an interrupted search had found already were taken from the journal. */
  | { readonly type: 'resumed'; readonly scores: number }
  /** Work done and still to do, in a unit of its own; `total` shrinks as candidates are dropped. */
  | {
      readonly type: 'work';
      readonly done: number;
      readonly total: number;
      /** Costliest layers so far, at most five. */
      readonly top: readonly RankedLayer[];
    }
  /**
   * A race was asked for, but everything is evaluated: samples are unlike. One costs `loss` in INT8 where the median is `median`; a
   * race that has not seen it cannot know.
   */
  | { readonly type: 'not-raced'; readonly sample: number; readonly loss: number; readonly median: number }
  /** What is known of a layer, in the network's order; in a race after all is settled. */
  | { readonly type: 'layer'; readonly sensitivity: LayerSensitivity }
  /** Layers by loss, the costliest first. */
  | { readonly type: 'ranking'; readonly ranking: readonly LayerSensitivity[] }
  /** A float set was scored as a whole. */
  | { readonly type: 'mixed'; readonly count: number; readonly floatLayers: readonly string[]; readonly score: number }
  /** The budget is spent or the signal was raised: what is known so far is answered. */
  | { readonly type: 'stopped'; readonly reason: 'budget' | 'aborted' };

export type OnSearchEvent = (event: SearchEvent) => void;
