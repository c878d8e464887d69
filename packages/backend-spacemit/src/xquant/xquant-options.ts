import type { Emit } from '@q/ir';
import type { ExternalData } from '@q/ir/onnx';
import type { SearchWorkers } from './calibrate/search-ranges.ts';
import type { CalibrationData } from './data/calibration-data.ts';
import type { DataSources } from './data/load-data.ts';
import type { FileNames } from './log/announce.ts';

export interface XquantOptions extends SearchWorkers {
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
  /** Constants of this many bytes or more lie in a file of their own; 1e9 as in the original (spacemit.md 3.3). */
  readonly externalFromBytes?: number;
  /** What the log calls the files. */
  readonly files?: FileNames;
  readonly emit?: Emit;
}
