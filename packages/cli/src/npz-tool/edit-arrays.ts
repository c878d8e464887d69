import { allocate, elementCount, QError, type Tensor } from '@q/ir';
import { exitStatus } from '../command.ts';
import { arrayOf, openNpz, saveNpz } from './npz-files.ts';
import { positional, type Subcommand } from './subcommand.ts';

const extract: Subcommand = {
  summary: 'some arrays of a file into a new one',
  declare: positional('input', 'output', 'names'),
  run(args, terminal) {
    const path = args.string('input');
    const tensors = openNpz(path);
    const picked = args.list('names').map((name) => {
      terminal.print(`extract ${name}`);
      return [name, arrayOf(tensors, name, path)] as const;
    });
    saveNpz(args.string('output'), new Map(picked));
    return exitStatus.ok;
  },
};

const remove: Subcommand = {
  summary: 'takes arrays out of a file',
  declare: positional('file', 'names'),
  run(args, terminal) {
    const path = args.string('file');
    const tensors = openNpz(path);
    for (const name of args.list('names')) {
      terminal.print(`remove ${name}`);
      arrayOf(tensors, name, path);
      tensors.delete(name);
    }
    saveNpz(path, tensors);
    return exitStatus.ok;
  },
};

const rename: Subcommand = {
  summary: 'gives an array another name',
  declare: positional('file', 'name', 'new_name'),
  run(args) {
    const path = args.string('file');
    const tensors = openNpz(path);
    const tensor = arrayOf(tensors, args.string('name'), path);
    tensors.delete(args.string('name'));
    tensors.delete(args.string('new_name'));
    tensors.set(args.string('new_name'), tensor);
    saveNpz(path, tensors);
    return exitStatus.ok;
  },
};

const merge: Subcommand = {
  summary: 'the arrays of several files in a new one, the last file: a.npz b.npz output.npz',
  declare: (parser) => parser.add_argument('files', { nargs: '+' }),
  run(args) {
    const files = args.words('files');
    if (files.length < 3) {
      throw new QError('npz_tool merge takes two input files and the output file', {
        code: 'cli.bad-flag-value',
        where: 'npz_tool merge',
        found: files.join(' '),
        expected: 'a.npz b.npz output.npz',
      });
    }
    saveNpz(files.at(-1)!, united(files.slice(0, -1)));
    return exitStatus.ok;
  },
};

const insert: Subcommand = {
  summary: 'puts the arrays of a file into another: a.npz output.npz',
  declare: positional('input', 'output'),
  run(args) {
    const output = args.string('output');
    saveNpz(output, united([args.string('input'), output]));
    return exitStatus.ok;
  },
};

/** All arrays; of one name the last file's, in the place of the first. */
function united(files: readonly string[]): Map<string, Tensor> {
  return new Map(files.flatMap((file) => [...openNpz(file)]));
}

const reshape: Subcommand = {
  summary: 'gives an array another shape: file name 4,5,1',
  declare: positional('file', 'name', 'shape'),
  run(args) {
    const path = args.string('file');
    const tensors = openNpz(path);
    const tensor = arrayOf(tensors, args.string('name'), path);
    const shape = fullShape(args.numbers('shape') ?? [], tensor, args.string('name'));
    tensors.set(args.string('name'), { ...tensor, shape });
    saveNpz(path, tensors);
    return exitStatus.ok;
  },
};

/** One -1 stands for what is left over. */
function fullShape(asked: readonly number[], tensor: Tensor, name: string): number[] {
  const count = elementCount(tensor.shape);
  const known = asked.filter((dim) => dim >= 0).reduce((product, dim) => product * dim, 1);
  const shape = asked.map((dim) => (dim === -1 ? count / known : dim));
  const isFit = asked.filter((dim) => dim < 0).length <= 1 && shape.every((dim) => Number.isInteger(dim) && dim >= 0);
  if (isFit && elementCount(shape) === count) return shape;
  throw new QError(`${name} has ${count} elements and cannot take the shape ${asked.join(',')}`, {
    code: 'cli.bad-flag-value',
    where: name,
    found: asked.join(','),
    expected: `${count} elements, as ${tensor.shape.join(',')}`,
  });
}

const permute: Subcommand = {
  summary: 'transposes all arrays, or one: file [name] 0,2,1,3',
  declare: positional('file', 'name', 'order?'),
  run(args) {
    const path = args.string('file');
    const tensors = openNpz(path);
    const order = args.numbers(args.optionalString('order') === undefined ? 'name' : 'order') ?? [];
    const names = args.optionalString('order') === undefined ? [...tensors.keys()] : [args.string('name')];
    for (const name of names) tensors.set(name, transposed(arrayOf(tensors, name, path), order, name));
    saveNpz(path, tensors);
    return exitStatus.ok;
  },
};

function transposed({ shape, dtype, data }: Tensor, order: readonly number[], name: string): Tensor {
  const rank = shape.length;
  const isOrder = order.length === rank && new Set(order).size === rank && order.every((axis) => axis in shape);
  if (!isOrder) {
    throw new QError(`${order.join(',')} is no order of the ${rank} axes of ${name}`, {
      code: 'cli.bad-flag-value',
      where: name,
      found: order.join(','),
      expected: `each of 0 to ${rank - 1} once`,
    });
  }
  const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
  const target = order.map((axis) => shape[axis]!);
  const result = allocate(dtype, elementCount(shape));
  for (let at = 0; at < result.length; at++) {
    let rest = at;
    let source = 0;
    for (let axis = rank - 1; axis >= 0; axis--) {
      source += (rest % target[axis]!) * strides[order[axis]!]!;
      rest = Math.floor(rest / target[axis]!);
    }
    result[at] = data[source]!;
  }
  return { shape: target, dtype, data: result };
}

export const editing: Readonly<Record<string, Subcommand>> = {
  extract,
  remove,
  insert,
  merge,
  rename,
  reshape,
  permute,
};
