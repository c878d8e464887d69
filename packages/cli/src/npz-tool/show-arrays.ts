import type { Tensor } from '@q/ir';
import { numpyType, shapeText, valuesOf } from '@q/search';
import { exitStatus } from '../command.ts';
import { indexed } from './array-index.ts';
import { elementText } from './element-text.ts';
import { arrayOf, openNpz } from './npz-files.ts';
import { numpyText } from './numpy-text.ts';
import { mean, statistic, variance } from './statistic.ts';
import { positional, type Subcommand } from './subcommand.ts';

const dump: Subcommand = {
  summary: 'lists the arrays of a file, or prints one: file [name [index]]',
  declare: positional('file', 'name?', 'index?'),
  run(args, terminal) {
    const path = args.string('file');
    const tensors = openNpz(path);
    const name = args.optionalString('name');
    if (name === undefined) {
      for (const [key, tensor] of tensors) {
        terminal.print(`${key}\t${shapeText(tensor.shape)}\t${numpyType(tensor)}`);
      }
      return exitStatus.ok;
    }
    const tensor = arrayOf(tensors, name, path);
    const index = args.optionalString('index');
    terminal.print(numpyText(index === undefined ? tensor : indexed(tensor, index)));
    terminal.print(`shape ${shapeText(tensor.shape)}`);
    terminal.print(`dtype ${numpyType(tensor)}`);
    for (const line of channelLines(tensor)) terminal.print(line);
    return exitStatus.ok;
  },
};

/** Facts of three-channel images, which the original shows for the check of a preprocessing. */
function channelLines(tensor: Tensor): string[] {
  const { shape } = tensor;
  const [n, c] =
    shape.length === 4 || shape.length === 5 ? [shape[0]!, shape[1]!] : [1, shape.length === 3 ? shape[0]! : 1];
  if (n > 1 || c !== 3) return [];
  const values = valuesOf(tensor);
  const size = values.length / 3;
  const channels = [0, 1, 2].map((at) => values.subarray(at * size, (at + 1) * size));
  const line = (title: string, of: (channel: Float64Array) => number): string =>
    `${title} ${numpyText({ shape: [3], dtype: tensor.dtype === 'f32' ? 'f32' : 'f64', data: Float64Array.from(channels, of) })}`;
  return [
    line('max', (channel) => channel.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)),
    line('min', (channel) => channel.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)),
    line('mean', mean),
    line('abs mean fp32', (channel) => mean(channel.map(Math.abs))),
    line('std fp32', (channel) => Math.sqrt(variance(channel))),
  ];
}

const getShape: Subcommand = {
  summary: 'the shape of an array: [1,3,8,8]',
  declare: positional('file', 'name'),
  run(args, terminal) {
    const path = args.string('file');
    terminal.print(`[${arrayOf(openNpz(path), args.string('name'), path).shape.join(',')}]`);
    return exitStatus.ok;
  },
};

const checkNanInf: Subcommand = {
  summary: 'names the arrays that hold NaN or infinities',
  declare: positional('file'),
  run(args, terminal) {
    for (const [name, tensor] of openNpz(args.string('file'))) {
      const values = valuesOf(tensor);
      if (values.some(Number.isNaN)) terminal.print(`NaN in ${name}:${shapeText(tensor.shape)}`);
      if (values.some((value) => Math.abs(value) === Number.POSITIVE_INFINITY)) {
        terminal.print(`Inf in ${name}:${shapeText(tensor.shape)}`);
      }
    }
    return exitStatus.ok;
  },
};

const printDiff: Subcommand = {
  summary: 'elements that differ: a.npz b.npz name [count]',
  declare: positional('a', 'b', 'name', 'count?'),
  run(args, terminal) {
    const [a, b] = [args.string('a'), args.string('b')];
    const name = args.string('name');
    const pair = [openNpz(a).get(name), openNpz(b).get(name)];
    if (pair.some((tensor) => tensor === undefined)) {
      terminal.print(`[ERROR] ${name} is not a common tensor of ${a} and ${b}`);
      return exitStatus.ok;
    }
    const [left, right] = pair as [Tensor, Tensor];
    const length = Math.min(left.data.length, right.data.length);
    const most = Number(args.optionalString('count') ?? length);
    terminal.print('index     adata         bdata');
    let count = 0;
    // The original prints one more than was asked for.
    for (let at = 0; at < length && count <= most; at++) {
      if (Number(left.data[at]!) === Number(right.data[at]!)) continue;
      count++;
      terminal.print(`${at}: ${elementText(left, at)}, ${elementText(right, at)}`);
    }
    if (count === 0) terminal.print('No difference!');
    return exitStatus.ok;
  },
};

export const showing: Readonly<Record<string, Subcommand>> = {
  print_diff: printDiff,
  dump,
  get_shape: getShape,
  statistic,
  check_nan_inf: checkNanInf,
};
