import { elementCount, QError, type Tensor } from '@q/ir';
import { shapeText, valuesOf } from '@q/search';
import { exitStatus } from '../command.ts';
import { singleText } from './element-text.ts';
import { arrayOf, openNpz } from './npz-files.ts';
import { numpyText } from './numpy-text.ts';
import { positional, type Subcommand } from './subcommand.ts';

export const statistic: Subcommand = {
  summary: 'mean, variance and range of every slice of an array along an axis: file [name [axis]]',
  declare: positional('file', 'name?', 'axis?'),
  run(args, terminal) {
    const path = args.string('file');
    const tensors = openNpz(path);
    const name = args.optionalString('name');
    if (name === undefined) {
      for (const key of tensors.keys()) terminal.print(key);
      return exitStatus.ok;
    }
    const axis = Number(args.optionalString('axis') ?? 1);
    for (const line of statisticLines(arrayOf(tensors, name, path), axis, name)) terminal.print(line);
    return exitStatus.ok;
  },
};

function statisticLines(tensor: Tensor, axis: number, name: string): string[] {
  const { shape } = tensor;
  const length = shape[axis];
  if (length === undefined) {
    throw new QError(`${name} has no axis ${axis}`, {
      code: 'cli.bad-flag-value',
      where: name,
      found: String(axis),
      expected: `0 to ${shape.length - 1}`,
    });
  }
  const slices = slicesAlong(tensor, axis);
  const text = (values: readonly number[]): string =>
    numpyText({ shape: [values.length], dtype: 'f32', data: Float32Array.from(values) });
  const highest = slices.map((slice) => slice.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY));
  const lowest = slices.map((slice) => slice.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY));
  const ranges = highest.map((high, at) => high - lowest[at]!);
  const norm = Math.hypot(...ranges);
  const shares = ranges.map((range) => (norm === 0 ? range : range / norm));
  const order = shares.map((_, at) => at).sort((a, b) => shares[a]! - shares[b]!);
  const axes = [axis, ...shape.map((_, at) => at).filter((at) => at !== axis)];
  return [
    `data shape: ${shapeText(shape)}`,
    `new_shape: [${axes.join(', ')}]`,
    `mean ${text(slices.map(mean))}`,
    `var ${text(slices.map(variance))}`,
    `max ${text(highest)}`,
    `min ${text(lowest)}`,
    `data range ${text(ranges)}`,
    `data range norm ${text(shares)}`,
    `norm_odr ${numpyText({ shape: [order.length], dtype: 'i32', data: Int32Array.from(order) })}`,
    ...ranges.map(
      (range, at) =>
        `idx:${at}, range:${singleText(Math.fround(range))}, range norm:${singleText(Math.fround(shares[at]!))}, norm order:${order[at]}`,
    ),
  ];
}

function slicesAlong(tensor: Tensor, axis: number): Float64Array[] {
  const { shape } = tensor;
  const values = valuesOf(tensor);
  const inner = elementCount(shape.slice(axis + 1));
  const length = shape[axis]!;
  return Array.from({ length }, (_, index) => values.filter((_value, at) => Math.floor(at / inner) % length === index));
}

export function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function variance(values: Float64Array): number {
  const middle = mean(values);
  return mean(values.map((value) => (value - middle) ** 2));
}
