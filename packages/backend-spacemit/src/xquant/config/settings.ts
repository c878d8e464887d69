import type { KlMode } from '@q/calib';

export type CalibrationType = 'default' | 'kl' | 'minmax' | 'percentile' | 'mse';
/** 0 and 1: INT8; 2: float islands; 3: dynamic; 4: FP16; 100: simplification only (spacemit.md 9.1). */
export type PrecisionLevel = 0 | 1 | 2 | 3 | 4 | 100;
export type FinetuneLevel = 0 | 1 | 2 | 3;
/** Patterns of the vendor's that are written only when asked for (spacemit.md 6.2, 19). */
export type Fusion = 'yolo_decode' | 'window' | 'qkv';

/** How the calibration data of one network input are made (spacemit.md 2.4). */
export interface InputItem {
  readonly inputName?: string;
  readonly inputShape?: readonly (number | null)[];
  readonly fileType: 'img' | 'npy' | 'raw';
  readonly colorFormat: string;
  /** In 0–255 units, in the channel order after `color_format`. */
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  /** `PT_IMAGENET`, `IMAGENET` or `file:function`. */
  readonly preprocess?: string;
  readonly dataListPath?: string;
  /** The item as it stands in the file, for custom preprocessing. */
  readonly source: Readonly<Record<string, unknown>>;
}

/** A subgraph with settings of its own (spacemit.md 2.6). */
export interface CustomSetting {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly precisionLevel?: number;
  readonly maxPercentile?: number;
  readonly calibrationType?: CalibrationType;
}

/** What goes beyond the vendor's schema: the top-level object `q_parameters` (spacemit.md 19). */
export interface Extensions {
  readonly seed: number;
  /** Unknown keys, leaking captures and unmatched names are errors; fusions that match nothing stay warnings. */
  readonly strict: boolean;
  readonly biasFormat: 'float32' | 'int32';
  readonly klMode: KlMode;
  /** `pooled`: percentiles of all batches as one, instead of the mean of every batch's; only for `percentile`. */
  readonly percentileMode: 'xslim' | 'pooled';
  /** `full` compares with the float network instead of the one with quantized weights. */
  readonly biasCorrection: 'xslim' | 'full';
  readonly gemmWeight: 'tensor-pow2' | 'channel';
  /** Outputs without a final pair: all, or these. */
  readonly floatOutputs: boolean | readonly string[];
  readonly fusions: readonly Fusion[];
  /** Ranges by tensor name that calibration does not touch. */
  readonly ranges: ReadonlyMap<string, readonly [number, number]>;
  /** Seconds that ranges may take: when histograms would take longer, `default`, `kl` and `mse` become `percentile`. */
  readonly maxSeconds?: number;
  /** Metadata `xslim_export_time`; none without it, so that the same input gives the same bytes. */
  readonly exportTime?: string;
}

/** A validated configuration with every default filled in. */
export interface XquantConfig {
  readonly model: {
    readonly onnxModel?: string;
    readonly outputPrefix?: string;
    readonly workingDir?: string;
    readonly skipSimplification: boolean;
    readonly opset?: number;
  };
  readonly calibration: {
    readonly batchSize: number;
    /** Most batches that are calibrated on. */
    readonly step: number;
    readonly type: CalibrationType;
    readonly inputs?: readonly InputItem[];
  };
  readonly quantization: {
    readonly precisionLevel: PrecisionLevel;
    readonly finetuneLevel: FinetuneLevel;
    readonly analysisEnable: boolean;
    readonly maxPercentile?: number;
    readonly customSettings: readonly CustomSetting[];
    readonly truncateVarNames: readonly string[];
    readonly ignoreOpTypes: readonly string[];
    readonly ignoreOpNames: readonly string[];
  };
  readonly extensions: Extensions;
}
