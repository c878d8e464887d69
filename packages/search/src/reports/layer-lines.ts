import type { Graph } from '@q/ir';
import { type LayerSensitivity, partnersOf } from '../sensitivity/sensitive-layers.ts';
import { pythonFloat } from '../tensor-match.ts';
import { pythonList } from './python-text.ts';

/** What the log says of one layer's trials (search.md 5.4). */
export function trialLines(sensitivity: LayerSensitivity, mlirFile: string): string[] {
  const { layer, type, trials, best, isDecided } = sensitivity;
  return [
    `start to handle layer: ${layer}, type: ${type}`,
    ...trials.flatMap(({ method, threshold, loss }) => [
      `adjust layer ${layer} th, with method ${method}, and threshlod ${pythonFloat(threshold)}`,
      `run int8 mode: ${mlirFile}`,
      `outputs_cos_los = ${pythonFloat(loss)}`,
    ]),
    `layer ${layer}, layer type is ${type}, best_th = ${pythonFloat(best.threshold)}, ` +
      `best_method = ${best.method}, best_cos_loss = ${pythonFloat(best.loss)}`,
    ...(isDecided ? [] : [`layer ${layer} is undecided: it keeps the threshold of the base table`]),
  ];
}

export interface PickLog {
  readonly ranking: readonly LayerSensitivity[];
  readonly count: number;
  readonly graph: Graph;
  /** Whether every layer's rank is said, too: only the first pick does. */
  readonly ranks: boolean;
}

/**
 * What the original prints while it picks: the ranks, the partners of Conv and Scale, the list. A layer that was taken as a
 * partner is skipped while there is room, and does not count as a rank then.
 */
export function pickLines({ ranking, count, graph, ranks }: PickLog): string[] {
  const lines: string[] = [];
  const picked: string[] = [];
  let rank = 0;
  for (const { layer, type, best } of ranking) {
    if (ranks) {
      lines.push(`the layer ${layer} is ${rank} sensitive layer, loss is ${pythonFloat(best.loss)}, type is ${type}`);
    }
    if (picked.length < count) {
      if (picked.includes(layer)) continue;
      const partners = partnersOf(layer, type, graph);
      lines.push(...partners.map((name) => (type === 'top.Conv' ? `next scale op: ${name}` : `pre conv op: ${name}`)));
      picked.push(layer, ...partners);
    }
    rank++;
  }
  return [...lines, `set_fp_layer_list = ${pythonList(picked)}`];
}
