import type { Emit } from '@q/ir';
import type { ExternalData } from '@q/ir/onnx';
import type { CalibrationData } from './data/calibration-data.ts';
import type { DataSources } from './data/load-data.ts';

export interface XquantOptions {
  /** Where calibration data are read from, for configurations that name files. */
  readonly sources?: DataSources;
  /** Calibration data as they are, in place of what the configuration names. */
  readonly data?: CalibrationData;
  /** Files that the model keeps tensors in. */
  readonly externalData?: ExternalData;
  /** What to call the model in messages. */
  readonly where?: string;
  /** Win over what the configuration says. */
  readonly overrides?: { readonly opset?: number; readonly seed?: number; readonly exportTime?: string };
  readonly emit?: Emit;
}
