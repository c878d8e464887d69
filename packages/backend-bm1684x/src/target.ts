import { type KnownOp, type Op, type Precision, QError, type Target } from '@q/ir';
import { extendedFormOf, isKnown, Refusal, tpuArtefacts } from '@q/ir/lowering';
import { lowerForBm1684 } from './bm1684/lower.ts';
import { BM1684, bm1684Precisions } from './bm1684/processor.ts';
import { lower } from './lower.ts';
import { BM1684_OPEN_POINTS, openPointsOf } from './open-points.ts';
import { BF16_RUNS_F32, F16_RUNS_F32, INT8_RUNS_FLOAT, PROCESSORS, type Processor } from './processors.ts';

function processorOf(name: string): Processor {
  const processor = PROCESSORS.get(name);
  if (processor !== undefined) return processor;
  throw new QError(`${name} is not a processor of the BM1684X family.`, {
    code: 'lower.plan.processor',
    where: 'processor',
    found: name,
    expected: [...PROCESSORS.keys(), BM1684].join(', '),
  });
}

/** Precisions that `op` really runs in; what falls back elsewhere is not listed. */
function precisions(op: Op, name: string): readonly Precision[] {
  if (name === BM1684) return bm1684Precisions(op);
  const processor = processorOf(name);
  if (!isKnown(op)) return [];
  if (op.type === 'top.Input') return ['F32'];
  try {
    extendedFormOf(op);
  } catch (error) {
    if (error instanceof Refusal) return [];
    throw error;
  }
  const result: Precision[] = INT8_RUNS_FLOAT.has(op.type) ? [] : ['INT8'];
  if (!F16_RUNS_F32.has(op.type) && !processor.f16Refused.has(op.type)) result.push('F16');
  if (!BF16_RUNS_F32.has(op.type) && !processor.bf16Refused.has(op.type)) result.push('BF16');
  return [...result, 'F32', ...fourBitPrecisions(op, processor)];
}

/** Conv and MatMul can have 4-bit codes, MatMul weights that are integers on their own. */
function fourBitPrecisions(op: KnownOp, processor: Processor): readonly Precision[] {
  if (op.type !== 'top.Conv' && op.type !== 'top.MatMul') return [];
  const codes: readonly Precision[] = processor.hasInt4 ? ['W4INT8', 'INT4'] : ['W4INT8'];
  return op.type === 'top.MatMul' ? [...codes, 'W8F16', 'W8BF16', 'W4F16', 'W4BF16'] : codes;
}

/**
 * Sophgo's BM1684X family: bm1684x, bm1688, cv186x, bm1690 with every integer and float precision, mixed per operator;
 * and bm1684 with symmetric INT8 and F32.
 */
export const bm168x: Target = {
  name: 'bm168x',
  processors: [...PROCESSORS.keys(), BM1684],
  floatType: (processor) => {
    if (processor === BM1684) return 'F32';
    processorOf(processor);
    return 'F16';
  },
  precisions,
  lower: (graph, plan, emit) => (plan.processor === BM1684 ? lowerForBm1684 : lower)(graph, plan, emit),
  openPoints: (processor) => (processor === BM1684 ? BM1684_OPEN_POINTS : openPointsOf(processorOf(processor))),
  artefacts: tpuArtefacts,
};
