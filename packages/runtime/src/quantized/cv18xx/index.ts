import type { OpType } from '@q/ir';
import type { Implementations, OpImplementation } from '../../implementation.ts';
import { activationImplementations } from './activation.ts';
import { concatImplementations } from './concat.ts';
import { convolutionImplementations } from './convolution.ts';
import { cpuImplementations } from './cpu.ts';
import { elementwiseImplementations } from './elementwise.ts';
import { layerNormImplementations } from './layer-norm.ts';
import { lutImplementations } from './lut.ts';
import { poolingImplementations } from './pooling.ts';
import { reductionImplementations } from './reduction.ts';
import { isCv18xx } from './rounding.ts';
import { softmaxImplementations } from './softmax.ts';

/** Operators that the CV18xx compute otherwise than the BM chips, or alone (numerics.md 9, 10). */
const cv18xxImplementations: Implementations = {
  ...activationImplementations,
  ...concatImplementations,
  ...convolutionImplementations,
  ...cpuImplementations,
  ...elementwiseImplementations,
  ...layerNormImplementations,
  ...lutImplementations,
  ...poolingImplementations,
  ...reductionImplementations,
  ...softmaxImplementations,
};

/** `base` on BM chips, and on a CV18xx where that has nothing of its own. Memory is shared as `base` says. */
export function withCv18xx(base: Implementations): Implementations {
  const result: Record<string, unknown> = { ...base };
  for (const [type, own] of Object.entries(cv18xxImplementations)) {
    const other = base[type as OpType] as OpImplementation | undefined;
    result[type] = choose(own as OpImplementation, other);
  }
  return result as Implementations;
}

function choose(own: OpImplementation, other: OpImplementation | undefined): OpImplementation {
  return {
    ...(other?.sharing === undefined ? {} : { sharing: (op, types) => other.sharing!(op, types) }),
    prepare: (op, context) => (other === undefined || isCv18xx(context.chip) ? own : other).prepare(op, context),
  };
}
