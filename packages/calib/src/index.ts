export { type Calibration, calibrate } from './calibrate.ts';
export type { CalibratedValue } from './calibration-table.ts';
export { type Examination, examine } from './doctor/examine.ts';
export type { Finding } from './doctor/finding.ts';
export { type KurtosisRow, printKurtosis } from './kurtosis-report.ts';
export type { CalibrationOptions, TunerOptions } from './options.ts';
export { type ProfileName, profileNames } from './profile.ts';
export { rememberSamples } from './remembered-samples.ts';
export type { Fingerprint } from './saved/fingerprint.ts';
export { mergeSavedStatistics } from './saved/merge-statistics.ts';
export type { SavedStatistics } from './saved/saved-statistics.ts';
export { decodeStatistics, encodeStatistics } from './saved/statistics-file.ts';
export {
  compareTables,
  type DifferenceSummary,
  type TableComparison,
  type TableDifference,
} from './table-comparison.ts';
export type { Choice } from './thresholds/method.ts';
export type { MethodName } from './thresholds/method-table.ts';
export {
  type BiasCorrection,
  type BiasCorrectionJob,
  type BiasTrial,
  correctBiases,
} from './transform/bias-correction.ts';
export type { ComparedLayer } from './transform/compared-models.ts';
export { equalizeWithinLimits, type LimitedEqualizationJob } from './transform/equalization-within-limits.ts';
export { layersOutside, patternLayers, quantizedTypes } from './transform/float-layers.ts';
export { type ShapeRules, shapeLayers } from './transform/shape-layers.ts';
export { type SmoothQuant, type SmoothQuantJob, smoothActivations } from './transform/smooth-quant.ts';
export { correctSoftmax, type SoftmaxCorrection, type SoftmaxCorrectionJob } from './transform/softmax-correction.ts';
export { type ChannelMaxima, equalizeWeights } from './transform/weight-equalization.ts';
export type { ChosenRange, RangeObjective } from './xquant-range/choose.ts';
export type { KlMode } from './xquant-range/losses.ts';
export { DEFAULT_PERCENTILE, percentileRanks } from './xquant-range/percentile.ts';
export { searchXquantRange } from './xquant-range/search.ts';
export { type RangeSearchOptions, searchXquantRangeByDefinition } from './xquant-range/search-by-definition.ts';
export { selectRanks } from './xquant-range/select-ranks.ts';
export { HISTOGRAM_BINS, type RangeLimits, type TensorHistogram } from './xquant-range/window.ts';
