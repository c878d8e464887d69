import { type CalibrationRow, type CalibrationTable, calibrationHeader, emptyCalibrationTable } from '@q/ir';
import type { CalibrationSettings } from './options.ts';
import { type Decision, TINY } from './thresholds/decide.ts';

/** What calibration found out about one value. */
export interface CalibratedValue {
  /** Clip bound as decided, tuned where the tuner ran. NaN when the method could not decide. */
  readonly threshold: number;
  /** The same before the tuner. */
  readonly untuned: number;
  readonly min: number;
  readonly max: number;
  /** Larger magnitude of the observed extremes. */
  readonly absMax: number;
}

/** What goes into the sections behind the rows. */
export interface TableSections {
  /** Layers of the `#asym_op` section. */
  readonly asymmetric: readonly string[];
  /** Decisions for four-bit codes, in the order of the values. */
  readonly four: readonly Decision[] | undefined;
}

/** The table with the header of the profile's era (calibration.md 8). Thresholds that are no bound become 1e-5. */
export function toTable(
  values: ReadonlyMap<string, CalibratedValue>,
  settings: CalibrationSettings,
  { asymmetric, four }: TableSections,
): CalibrationTable {
  const { fp8, profile, emit } = settings;
  const rows = new Map<string, CalibrationRow>();
  const int4 = new Map<string, CalibrationRow>();
  for (const [name, { threshold, min, max }] of values) {
    const usable = threshold > TINY;
    if (!usable) {
      emit({
        type: 'line',
        text: `WARNING: layer ${name} threshold is zero. Please check the input data correctness.`,
      });
    }
    const bound = usable ? threshold : TINY;
    rows.set(
      name,
      fp8 ? { threshold: bound, min: bound * profile.fp8Low, max: bound } : { threshold: bound, min, max },
    );
    const bound4 = four?.[int4.size]?.threshold;
    if (bound4 !== undefined) int4.set(name, { threshold: bound4, min: (-bound4 * 8) / 7, max: bound4 });
  }
  const empty = emptyCalibrationTable(headerOf(settings));
  return {
    ...empty,
    format: fp8 ? 'fp8' : 'int8',
    rows,
    sections: { ...empty.sections, int4, asymmetricOps: asymmetric },
  };
}

function headerOf({
  header,
  profile,
  histogramBins,
  sampleCount,
  tuneNum,
  methodName,
  fp8,
}: CalibrationSettings): string[] {
  const tuned = tuneNum > 0 && (profile.tableEra !== '2026' || TUNED_2026.has(methodName));
  return calibrationHeader({
    ...header,
    era: profile.tableEra,
    histogramBins,
    samples: sampleCount,
    ...(profile.tableEra === '2026' ? { method: tuned ? `['${methodName}']` : methodName } : {}),
    ...(tuneNum === 0 ? {} : { tuned: tuneNum }),
    ...(fp8 ? { fp8 } : {}),
  });
}

/** Methods whose tables of 2026 went through the tuner, and say so by a list (calibration.md 7.5, 8.2). */
const TUNED_2026: ReadonlySet<string> = new Set(['kl', 'aciq_gauss', 'aciq_laplace']);
