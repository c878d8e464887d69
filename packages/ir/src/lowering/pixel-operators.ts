import type { Graph, KnownOp, Op, Weight } from '../graph.ts';
import { bf16Bits, f16Bits } from '../quantization/float16.ts';
import { saturate } from '../quantization/rounding.ts';
import type { TensorType, Uniform } from '../tensor-type.ts';
import { attributesFor, operandsFor } from './context.ts';
import { type PixelSettings, pixelRefusal } from './pixel-settings.ts';

/** What the rewriting of one input adds. */
export interface PixelRewrite {
  readonly graph: Graph;
  readonly ops: KnownOp[];
  readonly values: Map<string, TensorType>;
  readonly weights: Map<string, Weight>;
  /** Name of the newest value. */
  last: string;
}

/** The operators of one input, from 8-bit pixels to a value of type `target`. */
export function pixelOperators(graph: Graph, settings: PixelSettings, target: TensorType): PixelRewrite {
  const rewrite: PixelRewrite = { graph, ops: [], values: new Map(), weights: new Map(), last: '' };
  addInput(rewrite, settings);
  addLayout(rewrite, settings);
  if (target.quantization?.kind === 'uniform') addTable(rewrite, settings, target);
  else addDepthwise(rewrite, settings, target);
  return rewrite;
}

const PIXELS = { kind: 'uniform', expressed: 'f32', scale: 1, zeroPoint: 0 } as const;

function addInput(rewrite: PixelRewrite, settings: PixelSettings): void {
  const { input, type, channels, height, width, isPacked, order, format } = settings;
  const name = `${input.name}_raw`;
  const batch = type.shape[0]!;
  const shape = isPacked ? [batch, height, width, channels] : [batch, channels, height, width];
  const attributes = {
    ...input.attributes,
    channelFormat: isPacked ? 'nhwc' : 'nchw',
    customizationFormat: format,
    pixelFormat: order,
    mean: [0, 0, 0],
    scale: [1, 1, 1],
    resizeDims: [height, width],
  };
  rewrite.ops.push({ ...input, name, outputs: [name], attributes });
  rewrite.values.set(name, { shape, dtype: 'u8', quantization: PIXELS });
  rewrite.last = name;
}

/** Packed pixels into planes, and the crop that follows a larger resize. */
function addLayout(rewrite: PixelRewrite, { input, type, channels, height, width, isPacked }: PixelSettings): void {
  const batch = type.shape[0]!;
  const pixels = (shape: readonly number[]): TensorType => ({ shape, dtype: 'u8', quantization: PIXELS });
  if (isPacked) {
    const planes = pixels([batch, channels, height, width]);
    append(
      rewrite,
      `${input.name}_preprocess_transpose`,
      { type: 'tpu.Permute', attributes: { order: [0, 3, 1, 2] } },
      planes,
    );
  }
  const [h, w] = [type.shape[2]!, type.shape[3]!];
  if (h === height && w === width) return;
  const [top, left] = [Math.floor(height / 2) - Math.floor(h / 2), Math.floor(width / 2) - Math.floor(w / 2)];
  const attributes = {
    offset: [0, 0, top, left],
    steps: [1, 1, 1, 1],
    ends: [batch, channels, top + h, left + w],
    axes: [],
    hasparamConvertAxes: [2, 3],
  };
  append(rewrite, `${input.name}_preprocess_slice`, { type: 'tpu.Slice', attributes }, pixels(type.shape));
}

/** Integer layers: code = round(pixel · s/S − mean · s/S), half away from zero, saturated. */
function addTable(rewrite: PixelRewrite, settings: PixelSettings, target: TensorType): void {
  const { input, mean, scale } = settings;
  const quantizer = target.quantization as Uniform;
  const isSigned = target.dtype === 'i8';
  const factors = scale.map((value) => value / quantizer.scale);
  const offsets = mean.map((value, channel) => -value * factors[channel]! + quantizer.zeroPoint);
  const table = (channel: number): number[] =>
    Array.from({ length: 256 }, (_, pixel) =>
      saturate(pixel * factors[channel]! + offsets[channel]!, isSigned ? 'i8' : 'u8'),
    );
  const tables = mean.map((_, channel) => table(channel));
  if (tables.every((entries) => entries.every((code, pixel) => code === pixel))) {
    // The pixels are the codes already: they only take the scale.
    for (const [name, type] of rewrite.values) rewrite.values.set(name, { ...type, quantization: quantizer });
    return;
  }
  const isSame = tables.every((entries) => entries.join() === tables[0]!.join());
  const rows = isSame ? tables.slice(0, 1) : tables;
  const name = `${input.name}_preprocess_${isSame ? 'lut' : 'scale_lut'}`;
  const weight = `${name}_${input.name}_preprocess_table`;
  rewrite.weights.set(weight, {
    type: { shape: [1, rows.length, 16, 16], dtype: isSigned ? 'i8' : 'u8' },
    data: isSigned ? Int8Array.from(rows.flat()) : Uint8Array.from(rows.flat()),
  });
  const form = isSame
    ? { type: 'tpu.Lut' as const, attributes: {} }
    : { type: 'tpu.ScaleLut' as const, attributes: { scale: factors, bias: offsets, sign: isSigned } };
  append(rewrite, name, { ...form, operands: [weight] }, { ...target, shape: settings.type.shape });
}

/** Float layers: the pixels as floats, then y = pixel · scale − mean · scale per channel. */
function addDepthwise(
  rewrite: PixelRewrite,
  { input, type, channels, mean, scale }: PixelSettings,
  target: TensorType,
): void {
  const { dtype } = target;
  if (dtype !== 'f32' && dtype !== 'f16' && dtype !== 'bf16') {
    throw pixelRefusal({ where: input.name, found: `an input of ${dtype}`, expected: 'INT8, F32, F16 or BF16' });
  }
  const floats: TensorType = { shape: type.shape, dtype };
  append(rewrite, `${rewrite.last}${input.name}_preprocess_${dtype}`, { type: 'tpu.Cast', attributes: {} }, floats);
  const name = `${input.name}_preprocess_dwconv`;
  const factors = Float32Array.from(scale);
  const narrow = dtype === 'f16' ? f16Bits : bf16Bits;
  rewrite.weights.set(`${name}_weight`, {
    type: { shape: [channels, 1, 1, 1], dtype },
    data: dtype === 'f32' ? factors : Uint16Array.from(factors, narrow),
  });
  rewrite.weights.set(`${name}_bias`, {
    type: { shape: [channels], dtype: 'f32' },
    data: Float32Array.from(mean, (value, channel) => -value * scale[channel]!),
  });
  const attributes = { kernelShape: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], group: channels, withBias: true };
  const operands = [`${name}_weight`, `${name}_bias`];
  append(rewrite, name, { type: 'tpu.Conv2D', attributes, operands }, { ...target, shape: type.shape });
}

interface Form {
  readonly type: 'tpu.Permute' | 'tpu.Slice' | 'tpu.Lut' | 'tpu.ScaleLut' | 'tpu.Cast' | 'tpu.Conv2D';
  readonly attributes: object;
  readonly operands?: readonly string[];
}

function append(
  rewrite: PixelRewrite,
  name: string,
  { type, attributes, operands = [] }: Form,
  result: TensorType,
): void {
  const op: Op = {
    type,
    name,
    inputs: operandsFor(type, [rewrite.last, ...operands]),
    outputs: [name],
    attributes: attributesFor(type, attributes),
  } as Op;
  rewrite.ops.push(op as KnownOp);
  rewrite.values.set(name, result);
  rewrite.last = name;
}
