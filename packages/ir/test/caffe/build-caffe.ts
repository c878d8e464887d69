import { type LayerWire, netCodec } from '../../src/caffe/wire.ts';
import { elementCount } from '../../src/index.ts';

export interface BlobDescription {
  readonly shape: readonly number[];
  readonly data?: readonly number[];
}

/** A blob; without data a fixed pattern of small numbers. */
function wire({ shape, data }: BlobDescription, legacy: boolean) {
  const values = data ?? Array.from({ length: elementCount(shape) }, (_, index) => ((index * 7) % 11) / 8 - 0.5);
  const bytes = new Uint8Array(Float32Array.from(values).buffer);
  if (!legacy) return { shape: { dim: [...shape] }, data: bytes };
  const [num, channels, height, width] = [...Array<number>(4 - shape.length).fill(1), ...shape];
  return { num: num!, channels: channels!, height: height!, width: width!, data: bytes };
}

/** A `.caffemodel`; `legacy`: with `layers` and four-dimensional blobs, as before 2014. */
export function caffemodel(
  layers: Readonly<Record<string, readonly BlobDescription[]>>,
  { legacy = false }: { legacy?: boolean } = {},
): Uint8Array {
  const list = Object.entries(layers).map(
    ([name, blobs]): LayerWire => ({ name, blobs: blobs.map((blob) => wire(blob, legacy)) }),
  );
  return new Uint8Array(
    netCodec.encode(legacy ? { name: 'net', layers: list } : { name: 'net', layer: list }).finish(),
  );
}

/** A network of one convolution, batch norm, scale and in-place Relu, with a classifier behind it. */
export const smallNet = `
name: "small"  # a comment
input: "data"
input_shape { dim: 1 dim: 3 dim: 8 dim: 8 }
layer {
  name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 4 kernel_size: 3 pad: 1 bias_term: false weight_filler { type: "xavier" } }
  th_strategy: USE_MAX  th_scale: 0.95  forward_with_float: false
}
layer { name: "bn1" type: "BatchNorm" bottom: "conv1" top: "conv1" batch_norm_param { use_global_stats: true } }
layer { name: "scale1" type: "Scale" bottom: "conv1" top: "conv1" scale_param { bias_term: true } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
layer { name: "drop" type: "Dropout" bottom: "pool1" top: "pool1" dropout_param { dropout_ratio: 0.5 } }
layer { name: "fc" type: "InnerProduct" bottom: "pool1" top: "fc" inner_product_param { num_output: 2 } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
`;

export const smallWeights = {
  conv1: [{ shape: [4, 3, 3, 3] }],
  bn1: [
    { shape: [4], data: [2, 4, 6, 8] },
    { shape: [4], data: [2, 2, 8, 8] },
    { shape: [1], data: [2] },
  ],
  scale1: [
    { shape: [4], data: [1, 2, 3, 4] },
    { shape: [4], data: [0, 1, 0, 1] },
  ],
  fc: [{ shape: [2, 64] }, { shape: [2] }],
} satisfies Record<string, readonly BlobDescription[]>;
