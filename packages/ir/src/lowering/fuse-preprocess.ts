import { type Graph, inputsOf, type Op, typeOf, type Weight } from '../graph.ts';
import { type PixelRewrite, pixelOperators } from './pixel-operators.ts';
import { type PixelSettings, pixelRefusal, pixelSettingsOf } from './pixel-settings.ts';
import { isKnown } from './working-graph.ts';

export interface FuseOptions {
  /** `--customization_format`; by default the order that the network expects, in planes. */
  readonly format?: string | undefined;
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
    throw pixelRefusal({
      where: lowered.chip,
      found: 'bm1684',
      expected: "a processor of another family: TPU-MLIR's own pass ends with an error there",
    });
  }
  return inputsOf(lowered).reduce((graph, input) => {
    if (input.attributes.doPreprocess !== true) return graph;
    return fuseInput(graph, pixelSettingsOf(graph, input, format));
  }, lowered);
}

function fuseInput(graph: Graph, settings: PixelSettings): Graph {
  const { input, type } = settings;
  const readers = graph.ops.filter((op) => op.inputs.includes(input.name));
  const [cast] = readers;
  const isCast = cast !== undefined && isKnown(cast) && ['tpu.Cast', 'tpu.GenericCpu'].includes(cast.type);
  if (isCast && readers.length > 1) {
    throw pixelRefusal({
      where: input.name,
      found: `${readers.length} operators that read the input in different types`,
      expected: 'one type',
    });
  }
  const replaced = isCast ? cast.name : input.name;
  const target = isCast ? typeOf(graph, cast.name)! : type;
  const rewrite = pixelOperators(graph, settings, target);
  return spliced(rewrite, settings, { replaced, dropped: isCast ? [input, cast] : [input] });
}

interface Splice {
  /** The value that the network's own operators read so far. */
  readonly replaced: string;
  readonly dropped: readonly Op[];
}

function spliced(rewrite: PixelRewrite, settings: PixelSettings, { replaced, dropped }: Splice): Graph {
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
function swappedFilters(graph: Graph, { input }: PixelSettings, replaced: string): Map<string, string> {
  const swaps = new Map<string, string>();
  for (const op of graph.ops.filter((candidate) => candidate.inputs.includes(replaced))) {
    const filter = op.inputs[1];
    const isPlain =
      op.type === 'tpu.Conv2D' && op.attributes.group === 1 && filter != null && graph.weights.has(filter);
    if (op.type === 'tpu.Cast' || op.type === 'tpu.GenericCpu') continue;
    if (!isPlain) {
      throw pixelRefusal({
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
