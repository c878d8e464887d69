import type { Graph } from '../graph.ts';
import { printMlir } from '../mlir/print.ts';
import { writeNpz } from '../npz.ts';
import type { Plan } from '../plan.ts';
import type { Artefact } from '../target.ts';
import { artefactPrefix } from './lower-module.ts';

/** The module text and the weight file that `model_deploy` leaves (cli.md 6.3). */
export function tpuArtefacts(lowered: Graph, plan: Plan): readonly Artefact[] {
  const prefix = artefactPrefix(lowered, plan);
  const weightFile = `${prefix}_${plan.ops.size > 0 ? 'tpu_qtable' : 'tpu'}_weights.npz`;
  const { text, weights } = printMlir(lowered, { weightFile });
  return [
    {
      name: `${prefix}_tpu.mlir`,
      bytes: new TextEncoder().encode(text),
      description: `lowered network for ${plan.processor}, TPU-MLIR's tpu dialect`,
    },
    { name: weightFile, bytes: writeNpz(weights), description: 'weights of the lowered network' },
  ];
}
