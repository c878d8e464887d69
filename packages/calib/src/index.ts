export { type Calibration, calibrate } from './calibrate.ts';
export type { CalibratedValue } from './calibration-table.ts';
export type { CalibrationOptions } from './options.ts';
export type { ProfileName } from './profile.ts';
export type { MethodName } from './thresholds/method-table.ts';
