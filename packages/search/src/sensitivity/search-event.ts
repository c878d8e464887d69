import type { LayerSensitivity, LayerTrial } from './sensitive-layers.ts';

/** A layer and what it costs, as far as a search knows. */
export interface RankedLayer {
  readonly layer: string;
  /** 1 − score: the mean over the samples that were evaluated so far. */
  readonly loss: number;
  /** Half the width of the loss's confidence interval over samples; 0 when all samples were evaluated. */
  readonly halfWidth: number;
}

/** What a search is doing, in the order in which it happens: drives progress bars, logs and records. */
export type SearchEvent =
  /** A network is run on all samples as a whole: `float` reference, `int8`, `mixed` float set. */
  | { readonly type: 'network'; readonly kind: 'float' | 'int8' | 'mixed' }
  /** The score of INT8 is known. */
  | { readonly type: 'int8-score'; readonly score: number }
  /** The layers that are tried, in the network's order; `lowered` are all that exist in the lowered network. */
  | { readonly type: 'layers'; readonly lowered: readonly string[]; readonly searched: readonly string[] }
  /** Work that an interrupted search had done already was taken from the journal. */
  | { readonly type: 'resumed'; readonly evaluations: number }
  /** Work done and still to do, in executed operators weighted by their cost; `total` shrinks as candidates are dropped. */
  | {
      readonly type: 'work';
      readonly done: number;
      readonly total: number;
      /** Costliest layers so far, at most five. */
      readonly top: readonly RankedLayer[];
    }
  /** A layer's threshold is chosen; in the network's order. */
  | { readonly type: 'layer'; readonly sensitivity: LayerSensitivity }
  /** A layer will not be decided: it keeps the threshold of the base table. */
  | { readonly type: 'undecided'; readonly layer: string; readonly trials: readonly LayerTrial[] }
  /** Layers by loss, the costliest first. */
  | { readonly type: 'ranking'; readonly ranking: readonly LayerSensitivity[] }
  /** A float set was scored as a whole. */
  | { readonly type: 'mixed'; readonly count: number; readonly floatLayers: readonly string[]; readonly score: number }
  /** The budget is spent or the signal was raised: what is known so far is answered. */
  | { readonly type: 'stopped'; readonly reason: 'budget' | 'aborted' };

export type OnSearchEvent = (event: SearchEvent) => void;
