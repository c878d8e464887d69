import { type LayerConverter, refuse } from '../conversion.ts';
import { choice, flag, hasField, integer, message } from '../fields.ts';
import { pair } from './convolution.ts';

const METHODS = { MAX: 0, AVE: 1, STOCHASTIC: 2 } as const;
const ROUNDING = { CEIL: 0, FLOOR: 1 } as const;

/** Output length as Caffe computes it: rounded up, but the last window must start inside the input or its leading pad. */
export function pooledLength(length: number, kernel: number, stride: number, pad: number, roundUp: boolean): number {
  const steps = (length + 2 * pad - kernel) / stride;
  const count = (roundUp ? Math.ceil(steps) : Math.floor(steps)) + 1;
  return pad > 0 && (count - 1) * stride >= length + pad ? count - 1 : count;
}

/** The end pads that make a window of plain rounding down reach Caffe's output length. */
const pooling: LayerConverter = (layer, to) => {
  const parameters = message(layer.fields, 'pooling_param');
  const input = to.operand(layer);
  const shape = to.shape(input);
  if (shape.length !== 4) refuse(layer, `an input with ${shape.length} dimensions`, 'an input with four dimensions');
  if (layer.tops.length !== 1) refuse(layer, 'a mask as second top', 'pooling without mask');
  const method = choice(parameters, 'pool', METHODS, 'MAX');
  if (method === 'STOCHASTIC') refuse(layer, 'pool: STOCHASTIC', 'MAX or AVE');
  const spatial = shape.slice(2);
  const isGlobal = flag(parameters, 'global_pooling', false);
  const kernelShape = isGlobal ? spatial : pair(parameters, ['kernel_size', 'kernel_h', 'kernel_w'], 0);
  const pads = isGlobal ? [0, 0] : pair(parameters, ['pad', 'pad_h', 'pad_w'], 0);
  const coversAll = kernelShape.every((kernel, axis) => kernel === spatial[axis] && pads[axis] === 0);
  const strides = coversAll ? [1, 1] : pair(parameters, ['stride', 'stride_h', 'stride_w'], 1);
  if (
    [...kernelShape, ...strides].some((size) => size < 1) ||
    pads.some((pad, axis) => pad < 0 || pad >= kernelShape[axis]!)
  )
    refuse(layer, 'an impossible window', 'positive sizes, and pads smaller than the kernel');
  const roundUp = flag(parameters, 'ceil_mode', true) && choice(parameters, 'round_mode', ROUNDING, 'CEIL') === 'CEIL';
  const ends = spatial.map((length, axis) => {
    const [kernel, stride, begin] = [kernelShape[axis]!, strides[axis]!, pads[axis]!];
    const count = pooledLength(length, kernel, stride, begin, roundUp);
    return Math.max(0, (count - 1) * stride + kernel - length - begin);
  });
  // Caffe divides by the part of the window that lies inside the pads, TPU-MLIR by the whole window.
  if (method === 'AVE' && ends.some((end, axis) => end > pads[axis]!))
    to.warn(
      layer,
      'caffe.pooling',
      'the last windows reach behind the padding; they are averaged over the whole window',
    );
  to.finish(layer, method === 'MAX' ? 'top.MaxPool' : 'top.AvgPool', {
    inputs: [input],
    attributes: { kernelShape, strides, pads: [...pads, ...ends], countIncludePad: true },
  });
};

/** `avg_include_pad: false` and other fields of forks change the result. */
const checkedPooling: LayerConverter = (layer, to) => {
  const parameters = message(layer.fields, 'pooling_param');
  if (hasField(parameters, 'kernel_size_3d')) refuse(layer, 'kernel_size_3d', 'two dimensions');
  if (!flag(parameters, 'avg_include_pad', true))
    refuse(layer, 'avg_include_pad: false', 'averages that count padding');
  if (integer(parameters, 'axis', 1) !== 1) refuse(layer, 'another axis than 1', 'axis 1');
  pooling(layer, to);
};

export const poolingLayers = { Pooling: checkedPooling };
