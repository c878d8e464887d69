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

/** Every naming rule of ir.md 9 at once. */
export const branchedNet = `name: "big"
input: "data" input_shape { dim: 1 dim: 3 dim: 32 dim: 32 }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" convolution_param { num_output: 8 kernel_size: 3 pad: 1 stride: 2 bias_term: false } }
layer { name: "bn1" type: "BatchNorm" bottom: "conv1" top: "conv1" }
layer { name: "scale1" type: "Scale" bottom: "conv1" top: "conv1" scale_param { bias_term: true } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "norm1" type: "LRN" bottom: "conv1" top: "norm1" lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 } }
layer { name: "pool1" type: "Pooling" bottom: "norm1" top: "pool1" pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
layer { name: "a" type: "Convolution" bottom: "pool1" top: "a" convolution_param { num_output: 8 kernel_size: 1 } }
layer { name: "a_relu" type: "ReLU" bottom: "a" top: "a" }
layer { name: "b" type: "Convolution" bottom: "pool1" top: "b" convolution_param { num_output: 8 kernel_size: 3 pad: 1 group: 8 } }
layer { name: "b_prelu" type: "PReLU" bottom: "b" top: "b" }
layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" top: "sum" }
layer { name: "cat" type: "Concat" bottom: "a" bottom: "sum" top: "cat" }
layer { name: "drop" type: "Dropout" bottom: "cat" top: "cat" }
layer { name: "slope" type: "ReLU" bottom: "cat" top: "slope" relu_param { negative_slope: 0.1 } }
layer { name: "gap" type: "Pooling" bottom: "slope" top: "gap" pooling_param { pool: AVE global_pooling: true } }
layer { name: "fc1" type: "InnerProduct" bottom: "gap" top: "fc1" inner_product_param { num_output: 6 } }
layer { name: "fc1_relu" type: "ReLU" bottom: "fc1" top: "fc1" }
layer { name: "fc2" type: "InnerProduct" bottom: "fc1" top: "fc2" inner_product_param { num_output: 4 } }
layer { name: "prob" type: "Softmax" bottom: "fc2" top: "prob" }
layer { name: "perm" type: "Permute" bottom: "slope" top: "perm" permute_param { order: 0 order: 2 order: 3 order: 1 } }
layer { name: "flat" type: "Flatten" bottom: "perm" top: "flat" }
layer { name: "l2" type: "Normalize" bottom: "sum" top: "l2" norm_param { across_spatial: false channel_shared: false } }
`;
export const branchedWeights: Readonly<Record<string, readonly BlobDescription[]>> = {
  conv1: [{ shape: [8, 3, 3, 3] }],
  bn1: [{ shape: [8] }, { shape: [8], data: [1, 2, 3, 4, 5, 6, 7, 8] }, { shape: [1], data: [2] }],
  scale1: [{ shape: [8] }, { shape: [8] }],
  a: [{ shape: [8, 8, 1, 1] }, { shape: [8] }],
  b: [{ shape: [8, 1, 3, 3] }, { shape: [8] }],
  b_prelu: [{ shape: [8] }],
  fc1: [{ shape: [6, 16] }, { shape: [6] }],
  fc2: [{ shape: [4, 6] }, { shape: [4] }],
  l2: [{ shape: [8] }],
};
