import {
  type Artefact,
  type Graph,
  type Op,
  type Plan,
  type Precision,
  printMlir,
  QError,
  type Target,
  writeNpz,
} from '@q/ir';
import { lower } from './lower.ts';
import { Refusal } from './lowering/context.ts';
import { tpuFormOf } from './lowering/forms.ts';
import { F16_RUNS_F32, INT8_RUNS_FLOAT, PROCESSORS, type Processor } from './processors.ts';
import { isKnown } from './working-graph.ts';

function processorOf(name: string): Processor {
  const processor = PROCESSORS.get(name);
  if (processor !== undefined) return processor;
  throw new QError(`${name} is not a processor of the BM1684X family.`, {
    code: 'bm168x.plan.processor',
    where: 'processor',
    found: name,
    expected: [...PROCESSORS.keys()].join(', '),
  });
}

/** Precisions that `op` really runs in; what falls back elsewhere is not listed. */
function precisions(op: Op, name: string): readonly Precision[] {
  const processor = processorOf(name);
  if (!isKnown(op)) return [];
  if (op.type === 'top.Input') return ['F32'];
  try {
    tpuFormOf(op);
  } catch (error) {
    if (error instanceof Refusal) return [];
    throw error;
  }
  const result: Precision[] = INT8_RUNS_FLOAT.has(op.type) ? [] : ['INT8'];
  if (!F16_RUNS_F32.has(op.type) && !processor.f16Refused.has(op.type)) result.push('F16');
  return [...result, 'F32'];
}

/** `<module>_<chip>_<quantize>[_sym]`, in lower case (cli.md 6.3). */
function prefixOf(lowered: Graph, plan: Plan): string {
  const suffix = plan.precision === 'INT8' ? '_sym' : '';
  return `${lowered.name}_${plan.processor}_${plan.precision}${suffix}`.toLowerCase();
}

function artefacts(lowered: Graph, plan: Plan): readonly Artefact[] {
  const prefix = prefixOf(lowered, plan);
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

/** Sophgo's BM1684X family: bm1684x, bm1688, cv186x, bm1690; INT8 symmetric, F16 and F32, mixed per operator. */
export const bm168x: Target = {
  name: 'bm168x',
  processors: [...PROCESSORS.keys()],
  floatType: (processor) => {
    processorOf(processor);
    return 'F16';
  },
  precisions,
  lower,
  artefacts,
};
