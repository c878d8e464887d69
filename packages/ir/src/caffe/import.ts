import { elementCount } from '../dtype.ts';
import { type Issue, isQError, QError } from '../errors.ts';
import type { Emit } from '../events.ts';
import type { Graph } from '../graph.ts';
import { inputAttributes, type PreprocessOptions, withResizeDims } from '../onnx/preprocess.ts';
import { finishImport, type ImportStage } from '../passes/finish-import.ts';
import { readBlobs } from './blobs.ts';
import { CaffeConversion } from './conversion.ts';
import { layerConverters } from './convert/index.ts';
import { type LayerSettings, readLayerSettings } from './layer-settings.ts';
import { type CaffeInput, type CaffeLayer, type CaffeNet, readNet } from './net.ts';
import { parseTextFormat } from './text-format.ts';

export interface CaffeImportOptions {
  /** Module name (`--model_name`). */
  readonly name: string;
  /** The `.caffemodel`. Without it weights are zeros: enough to count a network, not to run it. */
  readonly weights?: Uint8Array;
  /** One shape per network input, in order (`--input_shapes`). */
  readonly inputShapes?: readonly (readonly number[])[];
  /** Caffe blobs that become the outputs (`--output_names`); layers behind them are not read. */
  readonly outputNames?: readonly string[];
  readonly preprocess?: PreprocessOptions;
  /** `final` by default; Caffe's layers are never merged before `origin`, so `nodes` is the same. */
  readonly stage?: ImportStage;
  readonly emit?: Emit;
  /** File name of the prototxt for messages, and of the caffemodel. */
  readonly where?: string;
  readonly weightsWhere?: string;
}

export interface CaffeNetwork {
  readonly graph: Graph;
  /** What the prototxt says about quantizing single layers, by layer name of the prototxt. */
  readonly layerSettings: ReadonlyMap<string, LayerSettings>;
}

/** Layers that only training needs; a TEST phase may still measure with them. */
const TRAINING = /^(?:Accuracy|\w*Loss|Silence)$/;
const LARGEST_INPUT = 2 ** 31;

/**
 * Imports a Caffe network as `model_transform` does: the Top graph with TPU-MLIR's layer names (ir.md 9), canonicalised. Weights
 * are views on the caffemodel where nothing changed them and the alignment allows it.
 *
 * Throws `caffe.syntax`, `caffe.field`, `caffe.no-layers`, `caffe.legacy`, `caffe.corrupt`, `caffe.blob`, `caffe.input-shape`,
 * `caffe.unknown-output`, and, all at once, `caffe.unsupported-layer`, `caffe.unsupported-parameter`,
 * `caffe.missing-weights`, `caffe.unknown-blob`, `caffe.duplicate-name`, `caffe.too-large`, `graph.*`.
 */
export function importCaffe(prototxt: string, options: CaffeImportOptions): CaffeNetwork {
  const where = options.where ?? options.name;
  const net = readNet(parseTextFormat(prototxt, where), where);
  const blobs =
    options.weights === undefined ? undefined : readBlobs(options.weights, options.weightsWhere ?? 'caffemodel');
  const inputs = fixInputs(net, options.inputShapes, where);
  const layers = withoutTraining(net.layers, options.emit);
  const outputs = outputsOf(inputs, layers, options.outputNames, where);
  const needed = neededLayers(layers, outputs);
  const conversion = new CaffeConversion({ blobs, namedTops: net.namedTops, emit: options.emit });
  addInputs(conversion, inputs, withResizeDims(options.preprocess, options.inputShapes));
  convertLayers(conversion, needed);
  const graph = topGraph(conversion, options.name, outputs);
  return {
    graph: options.stage === undefined || options.stage === 'final' ? finishImport(graph) : graph,
    layerSettings: readLayerSettings(net.layers),
  };
}

function withoutTraining(layers: readonly CaffeLayer[], emit: Emit | undefined): CaffeLayer[] {
  return layers.filter(({ name, type }) => {
    if (!TRAINING.test(type)) return true;
    const message = `${type} ${name} is a layer for training; it is left out`;
    if (type !== 'Silence') emit?.({ type: 'warning', code: 'caffe.training-layer', where: name, message });
    return false;
  });
}

type Input = CaffeInput & { readonly shape: readonly number[] };

function fixInputs(net: CaffeNet, given: readonly (readonly number[])[] | undefined, where: string): Input[] {
  if (given !== undefined && given.length !== net.inputs.length)
    throw inputShape(
      where,
      `${given.length} shapes`,
      `${net.inputs.length}: ${net.inputs.map(({ name }) => name).join(', ')}`,
    );
  return net.inputs.map(({ name, shape }, index) => {
    const dims = given?.[index] ?? shape;
    const usable = dims !== undefined && dims.length > 0 && dims.every((dim) => Number.isSafeInteger(dim) && dim > 0);
    if (usable && elementCount(dims) <= LARGEST_INPUT) return { name, shape: dims };
    throw inputShape(
      `${where}: ${name}`,
      dims === undefined ? 'no shape' : `[${dims.join(', ')}]`,
      'positive dimensions',
    );
  });
}

function inputShape(where: string, found: string, expected: string): QError {
  return new QError(`The inputs of the network are not usable: ${found}, expected ${expected}.`, {
    code: 'caffe.input-shape',
    where,
    found,
    expected,
    hint: 'give --input_shapes',
  });
}

/** The given blobs, or those that nobody reads; Caffe lists these in alphabetical order. */
function outputsOf(
  inputs: readonly Input[],
  layers: readonly CaffeLayer[],
  given: readonly string[] | undefined,
  where: string,
): readonly string[] {
  const made = new Set([...inputs.map(({ name }) => name), ...layers.flatMap(({ tops }) => tops)]);
  if (given !== undefined && given.length > 0) {
    const unknown = given.filter((name) => !made.has(name));
    if (unknown.length === 0) return given;
    throw new QError(`The network has no blob ${unknown.join(', ')}.`, {
      code: 'caffe.unknown-output',
      where,
      found: unknown.join(', '),
      expected: `one of ${[...made].slice(-5).join(', ')}, …`,
    });
  }
  const unread = new Set(inputs.map(({ name }) => name));
  for (const { bottoms, tops } of layers) {
    for (const bottom of bottoms) unread.delete(bottom);
    for (const top of tops) unread.add(top);
  }
  for (const { name } of inputs) if (!layers.some(({ tops }) => tops.includes(name))) unread.delete(name);
  return [...unread].sort((a, b) => (a < b ? -1 : 1));
}

/** The layers that the outputs depend on. Whatever follows them may be of any type. */
function neededLayers(layers: readonly CaffeLayer[], outputs: readonly string[]): CaffeLayer[] {
  const needed = new Set(outputs);
  const kept: CaffeLayer[] = [];
  for (const layer of layers.toReversed()) {
    if (!layer.tops.some((top) => needed.has(top))) continue;
    for (const bottom of layer.bottoms) needed.add(bottom);
    kept.push(layer);
  }
  return kept.reverse();
}

function addInputs(to: CaffeConversion, inputs: readonly Input[], preprocess: PreprocessOptions | undefined): void {
  inputs.forEach(({ name: blob, shape }, index) => {
    const name = to.nameOf(blob);
    to.builder.addInput(name, shape, inputAttributes(shape, index, preprocess));
    to.define(blob, name);
  });
}

/** Converts every layer that can be; failures are collected, and readers of what failed are skipped. */
function convertLayers(to: CaffeConversion, layers: readonly CaffeLayer[]): void {
  const issues = unsupportedLayers(layers);
  const lost = new Set<string>();
  for (const layer of layers) {
    const converter = layerConverters.get(layer.type);
    if (converter !== undefined && !layer.bottoms.some((bottom) => lost.has(bottom))) {
      try {
        converter(layer, to);
        continue;
      } catch (error) {
        if (!isQError(error)) throw error;
        issues.push(...error.issues.map((issue) => ({ ...issue, where: issue.where ?? layer.name })));
      }
    }
    for (const top of layer.tops) lost.add(top);
  }
  const [first] = issues;
  if (first === undefined) return;
  const list = issues.slice(0, 5).map(({ where, found }) => `${where}: ${found ?? 'not usable'}`);
  const more = issues.length > 5 ? `; and ${issues.length - 5} more` : '';
  throw new QError(`The network cannot be imported: ${list.join('; ')}${more}.`, first, { issues });
}

/** Layer names by type, for types without converter. */
function unsupportedLayers(layers: readonly CaffeLayer[]): Issue[] {
  const unknown = new Map<string, CaffeLayer[]>();
  for (const layer of layers) {
    if (!layerConverters.has(layer.type)) unknown.set(layer.type, [...(unknown.get(layer.type) ?? []), layer]);
  }
  return [...unknown].map(([type, found]) => ({
    code: 'caffe.unsupported-layer',
    where: found.map(({ name }) => name).join(', '),
    found: type,
    expected: 'a layer type that can be imported',
    hint: `cut the network in front of it: --output_names ${found.flatMap(({ bottoms }) => bottoms.slice(0, 2)).join(',')}`,
  }));
}

function topGraph(to: CaffeConversion, name: string, outputs: readonly string[]): Graph {
  // An output that is a weight (prior boxes) is no layer; ONNX import drops those, too.
  const values = outputs.map((blob) => to.values.get(blob)!).filter((value) => to.builder.values.has(value));
  if (values.length === 0) {
    throw new QError('No output of the network depends on its inputs.', {
      code: 'caffe.unknown-output',
      found: outputs.join(', ') || 'no outputs',
    });
  }
  return {
    name,
    state: 'TOP_F32',
    chip: 'ALL',
    platform: 'CAFFE',
    ops: to.builder.ops,
    values: to.builder.values,
    weights: new Map([...to.builder.weights].map(([key, { type, data }]) => [key, { type, data }])),
    outputs: values,
    tensorNames: to.tensorNames,
    moduleAttributes: { 'module.top_run_mode': { kind: 'string', value: 'STATIC' } },
  };
}
