import { bm168x } from '@q/backend-bm1684x';
import { cv18xx } from '@q/backend-cv18xx';
import { spacemit } from '@q/backend-spacemit';
import { nearest, type Precision, QError, type Target } from '@q/ir';

/** Every backend that this command line wires up. */
const targets: readonly Target[] = [bm168x, cv18xx, spacemit];

export const processorNames: readonly string[] = targets.flatMap((target) => target.processors);

/** The backend of a processor; names are matched in lower case. */
export function targetFor(processor: string): Target {
  const target = targets.find((candidate) => candidate.processors.includes(processor));
  if (target) return target;
  const suggestion = nearest(processor, processorNames);
  throw new QError(`processor ${processor} is not known`, {
    code: 'cli.unknown-processor',
    where: '--processor',
    found: processor,
    expected: `one of ${processorNames.join(', ')}`,
    ...(suggestion === undefined ? {} : { hint: `did you mean ${suggestion}?` }),
  });
}

/** Float types that `--fp_type` may name per processor (calibration.md 1.4), the automatic one first. */
const floatTypes: Readonly<Record<string, readonly Precision[]>> = {
  bm1684x: ['F16', 'F32'],
  bm1684: ['F32'],
  bm1688: ['F16', 'F32', 'BF16'],
  cv186x: ['F16', 'F32', 'BF16'],
  bm1690: ['F16', 'F32', 'BF16'],
  cv183x: ['BF16'],
  cv182x: ['BF16'],
  cv181x: ['BF16'],
  cv180x: ['BF16'],
};

/** Has the processor the float type? */
export function hasFloatType(processor: string, type: Precision): boolean {
  return (floatTypes[processor] ?? []).includes(type);
}

/** Resolves `--fp_type` for a processor; `auto` is the processor's own. */
export function floatTypeFor(processor: string, requested: string): Precision {
  const allowed = floatTypes[processor] ?? [targetFor(processor).floatType(processor)];
  if (requested === 'auto') return allowed[0]!;
  const type = allowed.find((candidate) => candidate === requested);
  if (type) return type;
  throw new QError(`parameter error, fp_type:${requested} not support by ${processor}`, {
    code: 'cli.float-type-not-supported',
    where: '--fp_type',
    found: requested,
    expected: `auto or one of ${allowed.join(', ')}`,
  });
}
