import type { ObservedValue } from './observed-values.ts';
import type { CalibrationSettings } from './options.ts';
import { decidePooled } from './pooled/decide.ts';
import type { Distribution } from './pooled/distribution.ts';
import type { ValueStatistics } from './statistics/value-statistics.ts';
import { type Decision, decide, fullRange } from './thresholds/decide.ts';
import type { CodeWidth } from './thresholds/method.ts';
import { methodTable } from './thresholds/method-table.ts';
import { shortenHistogram } from './thresholds/shorten-histogram.ts';

/** What was collected: statistics of an era, or distributions. */
export type Gathered =
  | { readonly kind: 'era'; readonly statistics: readonly ValueStatistics[] }
  | { readonly kind: 'pooled'; readonly distributions: readonly Distribution[] };

const ZERO_SAMPLE =
  'in at least one sample every value is zero, for which mse has no threshold; as in TPU-MLIR v1.9, the layer gets 1e-5 ' +
  '(leave such samples out, or use another method)';
const ZERO_SAMPLE_2026 =
  'in at least one sample every value is zero; as in TPU-MLIR since 2025, it counts as a threshold of 1';

/** Decides every value; the result is said in the lines and warnings of the original. */
export function decideEach(
  settings: CalibrationSettings,
  values: readonly ObservedValue[],
  gathered: Gathered,
  asymmetric: ReadonlySet<string>,
): Decision[] {
  const { emit, histogramBins, methodName, profile } = settings;
  const decisions = decideAs(8, settings, { values, gathered, asymmetric }, (done) => {
    const label = `[${histogramBins}] threshold: ${values[done - 1]!.name}`;
    emit({ type: 'progress', task: 'thresholds', done, total: values.length, label });
  });
  decisions.forEach(({ degenerate, threshold }, at) => {
    const { name } = values[at]!;
    if (degenerate) {
      emit({ type: 'line', text: `WARNING: layer ${name} is all zeros. Please check the input data correctness.` });
    } else if (Number.isNaN(threshold)) {
      emit({ type: 'warning', code: 'calib.mse.zero-sample', where: name, message: ZERO_SAMPLE });
    }
  });
  if (methodName === 'mse' && !Number.isNaN(profile.emptyOctav)) warnOfEmptySamples(settings, values, gathered);
  return decisions;
}

/** What is decided on. */
export interface DecisionBasis {
  readonly values: readonly ObservedValue[];
  readonly gathered: Gathered;
  readonly asymmetric: ReadonlySet<string>;
}

/** The decisions for codes of so many bits, without a word. */
export function decideAs(
  bits: CodeWidth,
  settings: Pick<CalibrationSettings, 'methodName' | 'profile' | 'fixed'>,
  { values, gathered, asymmetric }: DecisionBasis,
  onDecided: (done: number) => void = () => {},
): Decision[] {
  const { methodName, profile, fixed } = settings;
  const decisions =
    gathered.kind === 'pooled'
      ? decidePooled({ methodName, values, distributions: gathered.distributions, bits, asymmetric, onDecided })
      : decide({
          method: methodTable[methodName],
          values,
          statistics: gathered.statistics.map((value) =>
            value.histogram === undefined
              ? value
              : { ...value, histogram: shortenHistogram(value.histogram, profile.mostKlBins) },
          ),
          bits,
          asymmetric,
          onDecided,
        });
  return decisions.map((decision, at) => {
    const choice = fixed.get(values[at]!.name);
    return choice === undefined ? decision : { ...choice, tuneLimit: choice.threshold, degenerate: false };
  });
}

/** Larger magnitude of what was observed, by position. */
export function absMaxAt(gathered: Gathered, at: number): number {
  return gathered.kind === 'pooled' ? fullRange(gathered.distributions[at]!) : gathered.statistics[at]!.absMax;
}

function warnOfEmptySamples(
  { emit, profile }: CalibrationSettings,
  values: readonly ObservedValue[],
  gathered: Gathered,
) {
  if (gathered.kind !== 'era') return;
  gathered.statistics.forEach(({ numbers, absMax }, at) => {
    if (absMax === 0 || !numbers?.octav?.includes(profile.emptyOctav)) return;
    emit({ type: 'warning', code: 'calib.mse.zero-sample', where: values[at]!.name, message: ZERO_SAMPLE_2026 });
  });
}
