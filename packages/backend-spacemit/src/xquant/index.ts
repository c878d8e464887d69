export type { OutputReport, TensorReport } from './analyse/analyse.ts';
export type { ContributingLayer, ReportSummary } from './analyse/report.ts';
export type { SearchWorkers } from './calibrate/search-ranges.ts';
export { type ConfigSource, parseConfig } from './config/parse-config.ts';
export type {
  CalibrationType,
  CustomSetting,
  Extensions,
  FinetuneLevel,
  Fusion,
  InputItem,
  PrecisionLevel,
  XquantConfig,
} from './config/settings.ts';
export type { Batch, CalibrationData } from './data/calibration-data.ts';
export type { DataSources, HookTensor, PreprocessHook } from './data/load-data.ts';
export type { FileNames } from './log/announce.ts';
export { type OutputNames, outputNames } from './output/output-names.ts';
export { quantizeOnnxModel, type XquantResult } from './quantize-onnx-model.ts';
export type { XquantOptions } from './xquant-options.ts';
