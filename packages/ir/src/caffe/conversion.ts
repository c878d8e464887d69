import { elementCount } from '../dtype.ts';
import { QError } from '../errors.ts';
import type { Emit } from '../events.ts';
import { type NewOp, TopBuilder } from '../onnx/top-builder.ts';
import type { OpType } from '../operators/index.ts';
import type { Blob } from './blobs.ts';
import type { CaffeLayer } from './net.ts';

/** Turns one Caffe layer into Top operators (ir.md 9). */
export type LayerConverter = (layer: CaffeLayer, to: CaffeConversion) => void;

/** 4 GiB of floats: no network that Caffe trained comes near, and a mistyped number must not take the machine's memory. */
const MOST_ELEMENTS = 2 ** 30;

export interface ConversionSources {
  /** `undefined`: the caller only counts; weights of the right shapes are filled with zeros. */
  readonly blobs: ReadonlyMap<string, readonly Blob[]> | undefined;
  /** Tops of all layers of the file, in order: they decide the names. */
  readonly namedTops: readonly string[];
  readonly emit?: Emit | undefined;
}

/** Where converters read blobs and write the Top graph. */
export class CaffeConversion {
  readonly builder = new TopBuilder();
  /** The Top value or weight that a Caffe blob is at this point of the file. */
  readonly values = new Map<string, string>();
  /** Caffe blob of every Top value whose name differs. */
  readonly tensorNames = new Map<string, string>();
  /** Names that are left for the producers of a blob: the last one in the file keeps the blob's own. */
  private readonly names = new Map<string, string[]>();
  private readonly sources: ConversionSources;

  constructor(sources: ConversionSources) {
    this.sources = sources;
    for (const top of sources.namedTops) {
      const names = this.names.get(top);
      if (names === undefined) this.names.set(top, [top]);
      else names.push(`${top}/${names.length}`);
    }
  }

  /** The layer name of the next producer of this blob: `<top>/<k-1>`, …, `<top>` (ir.md 9). */
  nameOf(top: string): string {
    const name = this.names.get(top)?.pop() ?? top;
    if (!this.builder.values.has(name)) return name;
    throw new QError(`Two layers are called ${name}.`, {
      code: 'caffe.duplicate-name',
      where: name,
      hint: 'give one of the blobs another name',
    });
  }

  /** The Top value of a layer's bottom. */
  operand(layer: CaffeLayer, index = 0): string {
    const bottom = layer.bottoms[index];
    const value = bottom === undefined ? undefined : this.values.get(bottom);
    if (value !== undefined) return value;
    throw new QError(`${layer.type} ${layer.name} reads a blob that no layer makes.`, {
      code: 'caffe.unknown-blob',
      where: layer.name,
      found: bottom ?? `no bottom ${index + 1}`,
      expected: 'the top of an earlier layer, or an input',
    });
  }

  shape(value: string): readonly number[] {
    return this.builder.typeOf(value).shape;
  }

  /** Adds an operator that is not the one the layer's top stands for. */
  add<T extends OpType>(type: T, op: NewOp<T>): string {
    if (this.builder.values.has(op.name)) this.nameOf(op.name);
    return this.builder.add(type, op);
  }

  /** Adds the operator that makes the layer's top `index`. */
  finish<T extends OpType>(layer: CaffeLayer, type: T, op: Omit<NewOp<T>, 'name'>, index = 0): void {
    const top = this.top(layer, index);
    this.define(top, this.builder.add(type, { ...op, name: this.nameOf(top) }));
  }

  /** Moves the operators from `start` on to right behind the one that makes `value`. */
  moveBehind(value: string, start: number): void {
    const { ops } = this.builder;
    const moved = ops.splice(start);
    ops.splice(ops.findIndex(({ outputs }) => outputs.includes(value)) + 1, 0, ...moved);
  }

  top(layer: CaffeLayer, index = 0): string {
    const top = layer.tops[index];
    if (top !== undefined) return top;
    throw new QError(`${layer.type} ${layer.name} has no top.`, { code: 'caffe.layer', where: layer.name });
  }

  define(top: string, value: string): void {
    this.values.set(top, value);
    if (value !== top && !this.builder.weights.has(value)) this.tensorNames.set(value, top);
  }

  /**
   * Blob `index` of the layer as it is, under the name `<layer>_weight_<index>`.
   * @throws QError `caffe.missing-weights`, `caffe.blob`
   */
  weight(layer: CaffeLayer, index: number, shape: readonly number[]): string {
    const data = this.blob(layer, index, elementCount(shape));
    return this.constant(`${layer.name}_weight_${index}`, shape, () => data);
  }

  constant(name: string, shape: readonly number[], make: () => Float32Array): string {
    if (elementCount(shape) > MOST_ELEMENTS) throw tooLarge(name, shape);
    return this.builder.addWeight(name, shape, make);
  }

  /** Data of blob `index`, which must have `count` elements. */
  blob(layer: CaffeLayer, index: number, count: number): Float32Array {
    if (!(count <= MOST_ELEMENTS)) throw tooLarge(layer.name, [count]);
    const { blobs } = this.sources;
    if (blobs === undefined) return new Float32Array(count);
    const blob = blobs.get(layer.name)?.[index];
    if (blob?.data.length === count) return blob.data;
    throw new QError(`The caffemodel does not have the weights of ${layer.type} ${layer.name}.`, {
      code: blob === undefined ? 'caffe.missing-weights' : 'caffe.blob',
      where: layer.name,
      found: blob === undefined ? `no blob ${index}` : `blob ${index} of shape [${blob.shape.join(', ')}]`,
      expected: `${count} numbers`,
      hint: 'prototxt and caffemodel must belong to the same network',
    });
  }

  warn(layer: CaffeLayer, code: string, message: string): void {
    this.sources.emit?.({ type: 'warning', code, where: layer.name, message: `${layer.name}: ${message}` });
  }
}

function tooLarge(name: string, shape: readonly number[]): QError {
  return new QError(`The weight of ${name} would be too large to hold.`, {
    code: 'caffe.too-large',
    where: name,
    found: `[${shape.join(', ')}]`,
    expected: `at most ${MOST_ELEMENTS} elements`,
  });
}

/** A layer that says something this importer has no Top operator for. */
export function refuse(layer: CaffeLayer, found: string, expected: string): never {
  throw new QError(`${layer.type} ${layer.name} has ${found}; ${expected} can be imported.`, {
    code: 'caffe.unsupported-parameter',
    where: layer.name,
    found,
    expected,
  });
}
