import { type Issue, QError } from '../errors.ts';
import { type Graph, inputsOf, type KnownOp, type Op, type OpOf, typeOf, type Weight } from '../graph.ts';
import { bf16Bits, f16Bits } from '../quantization/float16.ts';
import { saturate } from '../quantization/rounding.ts';
import type { TensorType, Uniform } from '../tensor-type.ts';
import { attributesFor, operandsFor } from './context.ts';
import { isKnown } from './working-graph.ts';

/** Pixel layouts of `--customization_format` that are supported: order of the channels and of the memory. */
const FORMATS: Readonly<Record<string, { readonly order: string; readonly isPacked: boolean }>> = {
  RGB_PLANAR: { order: 'rgb', isPacked: false },
  RGB_PACKED: { order: 'rgb', isPacked: true },
  BGR_PLANAR: { order: 'bgr', isPacked: false },
  BGR_PACKED: { order: 'bgr', isPacked: true },
  GRAYSCALE: { order: 'gray', isPacked: false },
};

/** Formats that TPU-MLIR knows besides: their bytes are not pixels in rows. */
const OTHER_FORMATS: readonly string[] = [
  'YUV420_PLANAR',
  'YUV_NV21',
  'YUV_NV12',
  'RGBA_PLANAR',
  'GBRG_RAW',
  'GRBG_RAW',
  'BGGR_RAW',
  'RGGB_RAW',
];

export interface FuseOptions {
  /** `--customization_format`; by default the order that the network expects, in planes. */
  readonly format?: string | undefined;
}

/** How one network input is to be fed, from its attributes. */
interface Settings {
  readonly input: OpOf<'top.Input'>;
  readonly type: TensorType;
  readonly channels: number;
  /** Size of the pixels that are fed; larger than the network's input where a crop follows. */
  readonly height: number;
  readonly width: number;
  readonly format: string;
  readonly order: string;
  readonly isPacked: boolean;
  /** The channels come in the reverse of the order that the network expects. */
  readonly isSwapped: boolean;
  /** Per channel, in the order of `format`. */
  readonly mean: readonly number[];
  readonly scale: readonly number[];
}

/**
 * Makes mean, scale and channel order part of a lowered network (cli.md 4.3, `--fuse_preprocess`): every image input
 * becomes `<input>_raw`, 8-bit pixels, and what quantized it becomes a table over the 256 pixel values (`tpu.Lut`, or
 * `tpu.ScaleLut` where channels differ), in float layers a cast and a depthwise 1x1 convolution. Names and forms are those
 * of TPU-MLIR 1.17.
 *
 * @throws QError `lower.preprocess` for inputs and formats that have no such form
 */
export function fusePreprocess(lowered: Graph, { format }: FuseOptions = {}): Graph {
  if (lowered.chip === 'bm1684') {
    throw refusal({
      where: lowered.chip,
      found: 'bm1684',
      expected: "a processor of another family: TPU-MLIR's own pass ends with an error there",
    });
  }
  return inputsOf(lowered).reduce((graph, input) => {
    if (input.attributes.doPreprocess !== true) return graph;
    return fuseInput(graph, settingsOf(graph, input, format));
  }, lowered);
}

function settingsOf(graph: Graph, input: OpOf<'top.Input'>, asked: string | undefined): Settings {
  const { pixelFormat = 'bgr', channelFormat = 'nchw', resizeDims, mean, scale } = input.attributes;
  const type = typeOf(graph, input.name)!;
  const [, channels = 0, h = 0, w = 0] = type.shape;
  if (channelFormat !== 'nchw' || type.shape.length !== 4 || ![1, 3].includes(channels)) {
    throw refusal({
      where: input.name,
      found: `${channelFormat} ${type.shape.join('x')}`,
      expected: 'an image of one or three planes (nchw)',
    });
  }
  const format = asked ?? (pixelFormat === 'gray' ? 'GRAYSCALE' : `${pixelFormat.toUpperCase()}_PLANAR`);
  const known = FORMATS[format];
  const isGray = known?.order === 'gray';
  if (known === undefined || isGray !== (channels === 1)) {
    const hint = OTHER_FORMATS.includes(format) ? 'convert the image before it is fed' : undefined;
    throw refusal({
      where: input.name,
      found: format,
      expected: Object.keys(FORMATS).join(', '),
      ...(hint === undefined ? {} : { hint }),
    });
  }
  const isSwapped = !isGray && known.order !== pixelFormat;
  const perChannel = (values: readonly number[] | undefined, fallback: number): readonly number[] => {
    const own = Array.from({ length: channels }, (_, at) => values?.[at] ?? fallback);
    return isSwapped ? own.reverse() : own;
  };
  const [height, width] = resizeDims !== undefined && resizeDims.length === 2 ? resizeDims : [h, w];
  return {
    input,
    type,
    channels,
    height: height!,
    width: width!,
    format,
    ...known,
    isSwapped,
    mean: perChannel(mean, 0),
    scale: perChannel(scale, 1),
  };
}

/** What the rewriting of one input adds and takes away. */
interface Rewrite {
  readonly graph: Graph;
  readonly ops: KnownOp[];
  readonly values: Map<string, TensorType>;
  readonly weights: Map<string, Weight>;
  /** Name of the newest value. */
  last: string;
}

function fuseInput(graph: Graph, settings: Settings): Graph {
  const { input, type } = settings;
  const readers = graph.ops.filter((op) => op.inputs.includes(input.name));
  const [cast] = readers;
  const isCast = cast !== undefined && isKnown(cast) && ['tpu.Cast', 'tpu.GenericCpu'].includes(cast.type);
  if (isCast && readers.length > 1) {
    throw refusal({
      where: input.name,
      found: `${readers.length} operators that read the input in different types`,
      expected: 'one type',
    });
  }
  const replaced = isCast ? cast.name : input.name;
  const target = isCast ? typeOf(graph, cast.name)! : type;
  const rewrite: Rewrite = { graph, ops: [], values: new Map(), weights: new Map(), last: '' };
  addInput(rewrite, settings);
  addLayout(rewrite, settings);
  if (target.quantization?.kind === 'uniform') addTable(rewrite, settings, target);
  else addDepthwise(rewrite, settings, target);
  return spliced(rewrite, settings, { replaced, dropped: isCast ? [input, cast] : [input] });
}

const PIXELS = { kind: 'uniform', expressed: 'f32', scale: 1, zeroPoint: 0 } as const;

function addInput(rewrite: Rewrite, settings: Settings): void {
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
function addLayout(rewrite: Rewrite, { input, type, channels, height, width, isPacked }: Settings): void {
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
function addTable(rewrite: Rewrite, settings: Settings, target: TensorType): void {
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
function addDepthwise(rewrite: Rewrite, { input, type, channels, mean, scale }: Settings, target: TensorType): void {
  const { dtype } = target;
  if (dtype !== 'f32' && dtype !== 'f16' && dtype !== 'bf16') {
    throw refusal({ where: input.name, found: `an input of ${dtype}`, expected: 'INT8, F32, F16 or BF16' });
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

function append(rewrite: Rewrite, name: string, { type, attributes, operands = [] }: Form, result: TensorType): void {
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

interface Splice {
  /** The value that the network's own operators read so far. */
  readonly replaced: string;
  readonly dropped: readonly Op[];
}

function spliced(rewrite: Rewrite, settings: Settings, { replaced, dropped }: Splice): Graph {
  const { graph, last } = rewrite;
  const swaps = settings.isSwapped ? swappedFilters(graph, settings, replaced) : new Map<string, string>();
  const ops = graph.ops
    .filter((op) => !dropped.includes(op))
    .map((op) => ({
      ...op,
      inputs: op.inputs.map((name) => (name === replaced ? last : (swaps.get(`${op.name} ${name}`) ?? name))),
    }));
  const values = new Map([...rewrite.values, ...graph.values]);
  for (const op of dropped) for (const name of op.outputs) if (name !== null) values.delete(name);
  const weights = new Map([...rewrite.weights, ...graph.weights]);
  for (const [key, swapped] of swaps) {
    const filter = key.slice(key.indexOf(' ') + 1);
    weights.set(swapped, swapInputChannels(graph, filter));
    if (!ops.some((op) => op.inputs.includes(filter))) weights.delete(filter);
  }
  const isInput = (op: Op): boolean => op.type === 'top.Input';
  const [fresh, rest] = [rewrite.ops.filter(isInput), rewrite.ops.filter((op) => !isInput(op))];
  const own = ops as Op[];
  const { argumentTypes: _given, ...kept } = graph;
  return {
    ...kept,
    ops: [...fresh, ...own.filter(isInput), ...rest, ...own.filter((op) => !isInput(op))],
    values,
    weights,
    outputs: graph.outputs.map((name) => (name === replaced ? last : name)),
  };
}

/** Convolutions that read the image take its channels in reverse: new filters, by operator and old filter. */
function swappedFilters(graph: Graph, { input }: Settings, replaced: string): Map<string, string> {
  const swaps = new Map<string, string>();
  for (const op of graph.ops.filter((candidate) => candidate.inputs.includes(replaced))) {
    const filter = op.inputs[1];
    const isPlain =
      op.type === 'tpu.Conv2D' && op.attributes.group === 1 && filter != null && graph.weights.has(filter);
    if (op.type === 'tpu.Cast' || op.type === 'tpu.GenericCpu') continue;
    if (!isPlain) {
      throw refusal({
        where: input.name,
        found: `${op.type === 'unknown' ? op.mnemonic : op.type} ${op.name} reads the image`,
        expected: 'convolutions only, whose filters can be reordered',
        hint: 'feed the channels in the order that the network expects',
      });
    }
    swaps.set(`${op.name} ${filter}`, `${op.name}_${filter}_swap_channel`);
  }
  return swaps;
}

function swapInputChannels(graph: Graph, filter: string): Weight {
  const weight = graph.weights.get(filter)!;
  const [outputs = 1, channels = 1, ...kernel] = weight.type.shape;
  const area = kernel.reduce((product, dim) => product * dim, 1);
  const data = weight.data.slice();
  for (let o = 0; o < outputs; o++) {
    for (let c = 0; c < channels; c++) {
      const from = (o * channels + (channels - 1 - c)) * area;
      data.set(weight.data.subarray(from, from + area) as never, (o * channels + c) * area);
    }
  }
  return { type: weight.type, data };
}

function refusal(facts: Omit<Issue, 'code'>): QError {
  return new QError(`--fuse_preprocess cannot be done: ${facts.found}`, { code: 'lower.preprocess', ...facts });
}
