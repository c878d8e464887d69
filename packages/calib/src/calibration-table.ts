import { type CalibrationRow, type CalibrationTable, calibrationHeader, emptyCalibrationTable } from '@q/ir';
import type { CalibrationSettings } from './options.ts';
import { TINY } from './thresholds/decide.ts';

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

/** The table with the header of the profile's era (calibration.md 8). Thresholds that are no bound become 1e-5. */
export function toTable(values: ReadonlyMap<string, CalibratedValue>, settings: CalibrationSettings): CalibrationTable {
  const { header, profile, histogramBins, sampleCount, tuneNum, emit } = settings;
  const lines = calibrationHeader({
    ...header,
    era: profile.tableEra,
    histogramBins,
    samples: sampleCount,
    ...(tuneNum === 0 ? {} : { tuned: tuneNum }),
  });
  const rows = new Map<string, CalibrationRow>();
  for (const [name, { threshold, min, max }] of values) {
    const usable = threshold > TINY;
    if (!usable) {
      emit({
        type: 'line',
        text: `WARNING: layer ${name} threshold is zero. Please check the input data correctness.`,
      });
    }
    rows.set(name, { threshold: usable ? threshold : TINY, min, max });
  }
  return { ...emptyCalibrationTable(lines), rows };
}
