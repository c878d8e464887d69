import type { Graph } from '@q/ir';
import type { Feeds, WorkerTask } from '@q/runtime';
import { LayerLikeness } from '../layer-likeness.ts';
import { applyPatch, type NetworkPatch } from './network-patch.ts';

/** What every worker that compares layers is started with. */
export interface LikenessTaskInit {
  readonly float: Graph;
  /** What networks are patches of. */
  readonly quantized: Graph;
}

export interface LikenessMessage {
  readonly network: NetworkPatch;
  readonly names: readonly string[];
  readonly feeds: readonly Feeds[];
}

/** Answers the likenesses of all names per sample. */
export function createLikenessTask({
  float,
  quantized,
}: LikenessTaskInit): WorkerTask<LikenessMessage, readonly Float64Array[]> {
  return {
    async run({ network, names, feeds }) {
      const likeness = await LayerLikeness.open(float, applyPatch(quantized, network), names);
      try {
        return feeds.map((sample) => likeness.of(sample));
      } finally {
        likeness.dispose();
      }
    },
  };
}
