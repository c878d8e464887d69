import type { EncodedSample } from './images/encoded-sample.ts';
import type { SampleKind } from './selection/sample-kind.ts';

/** Values of one sample, by network input name, in the layout of the input's shape. */
export type Feeds = ReadonlyMap<string, Float32Array>;

/** Calibration samples in the order that statistics see them. Nothing is read before `sample` asks for it. */
export interface Dataset {
  readonly kind: SampleKind;
  /** Number of samples. A sample fills the network's batch, so this is files / batch for images. */
  readonly length: number;
  /** Files that sample `i` is made of. */
  files(i: number): readonly string[];
  /** Reads and prepares sample `i`. Rejects with a `QError` that names the file. */
  sample(i: number): Promise<Feeds>;
  /** Reads the files of sample `i`, to be decoded elsewhere (`decodeSample`). Only where samples are images. */
  encoded?(i: number): Promise<EncodedSample>;
}

/** One network input as samples need it. */
export interface DatasetInput {
  readonly name: string;
  readonly shape: readonly number[];
}
