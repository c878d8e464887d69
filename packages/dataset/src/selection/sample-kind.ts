import { QError } from '@q/ir';

/** What one calibration run is fed with. */
export type SampleKind = 'image' | 'npz' | 'npy';

const KINDS: ReadonlyMap<string, SampleKind> = new Map([
  ['jpg', 'image'],
  ['jpeg', 'image'],
  ['jfif', 'image'],
  ['png', 'image'],
  ['bmp', 'image'],
  ['npz', 'npz'],
  ['npy', 'npy'],
]);

/** Kind of a file by its last extension, in any case; undefined for files that are no samples. */
export function kindOf(path: string): SampleKind | undefined {
  return KINDS.get(path.slice(path.lastIndexOf('.') + 1).toLowerCase());
}

/** The one kind of all `files`; a mixture is refused, because the kinds are prepared differently. */
export function commonKind(files: readonly string[], where: string): SampleKind {
  const byKind = new Map<SampleKind, string>();
  for (const file of files) {
    const kind = kindOf(file);
    if (kind !== undefined && !byKind.has(kind)) byKind.set(kind, file);
  }
  const [first, ...others] = byKind;
  if (first !== undefined && others.length === 0) return first[0];
  throw new QError('The samples are of more than one kind: use images, npz or npy, not a mixture.', {
    code: 'dataset.mixed-kinds',
    where,
    found: [...byKind].map(([kind, file]) => `${kind} (${file})`).join(', '),
    expected: 'only images, only npz or only npy',
    hint: 'point at a folder of one kind, or write a data list',
  });
}
