import { nearest, QError, readNpz, type Tensor, writeNpz } from '@q/ir';
import { readInputFile } from '../files/input-files.ts';
import { writeFileWhole } from '../files/output-files.ts';

export function openNpz(path: string): Map<string, Tensor> {
  return readNpz(readInputFile(path, 'npz'), path);
}

export function saveNpz(path: string, tensors: ReadonlyMap<string, Tensor>): void {
  writeFileWhole(path, writeNpz(tensors));
}

/** An array of a file; the error of a missing one names the nearest. */
export function arrayOf(tensors: ReadonlyMap<string, Tensor>, name: string, path: string): Tensor {
  const found = tensors.get(name);
  if (found !== undefined) return found;
  const suggestion = nearest(name, [...tensors.keys()]);
  throw new QError(`No ${name} in ${path} npz file`, {
    code: 'cli.no-such-array',
    where: path,
    found: name,
    expected: `one of ${[...tensors.keys()].slice(0, 8).join(', ')}${tensors.size > 8 ? ', …' : ''}`,
    ...(suggestion === undefined ? {} : { hint: `did you mean ${suggestion}?` }),
  });
}
