import { type Issue, QError, type TypedArray } from '@q/ir';
import type { TensorSlot } from './slot.ts';
import { type StorageArray, storageOfArray } from './storage.ts';

export type Feeds = ReadonlyMap<string, TypedArray>;

/**
 * Writes an input where the network reads it, so that the caller needs no array of its own. It may be called again for the
 * same input, and must then write the same. `data` must not be kept: other values take its place during the run.
 */
export type WriteInput = (data: StorageArray) => void;

/** What a run takes by input name: arrays, or functions that write the input in place. */
export type InputFeeds = ReadonlyMap<string, TypedArray | WriteInput>;

/**
 * Checks names, lengths and element types of what is to be written to `slots`.
 *
 * @throws one QError with every problem: `runtime.feed.missing`, `.unknown`, `.dtype`, `.length`.
 */
export function checkFeeds(feeds: InputFeeds, slots: readonly TensorSlot[], required: boolean): void {
  if (typeof (feeds as InputFeeds | undefined | null)?.get !== 'function') throw noMap(feeds, slots);
  if (required && fitExactly(feeds, slots)) return;
  const issues: Issue[] = [];
  const known = new Map(slots.map((slot) => [slot.name, slot]));
  for (const [name, data] of feeds) {
    const slot = known.get(name);
    if (slot === undefined) {
      issues.push({ code: 'runtime.feed.unknown', where: name, expected: `one of ${[...known.keys()].join(', ')}` });
    } else if (typeof data !== 'function') {
      issues.push(...misfits(slot, data));
    }
  }
  for (const slot of required ? slots : []) {
    if (!feeds.has(slot.name))
      issues.push({ code: 'runtime.feed.missing', where: slot.name, expected: slot.shape.join('x') });
  }
  if (issues.length > 0) throw feedError(issues);
}

/** Is there one fitting array or function for every slot, and nothing else? Allocates nothing: every run asks. */
function fitExactly(feeds: InputFeeds, slots: readonly TensorSlot[]): boolean {
  if (feeds.size !== slots.length) return false;
  for (let i = 0; i < slots.length; i++) {
    const { name, dtype, length } = slots[i]!;
    const data = feeds.get(name);
    if (data === undefined) return false;
    if (typeof data !== 'function' && (storageOfArray(data) !== dtype || data.length !== length)) return false;
  }
  return true;
}

/** Why an array is not data for `slot`: nothing, or one issue. */
function misfits(slot: TensorSlot, data: TypedArray): Issue[] {
  const where = slot.name;
  if (storageOfArray(data) !== slot.dtype) {
    return [{ code: 'runtime.feed.dtype', where, found: typeName(data), expected: `${slot.dtype} elements` }];
  }
  if (data.length === slot.length) return [];
  const expected = `${slot.length} (${slot.shape.join('x')})`;
  return [{ code: 'runtime.feed.length', where, found: `${data.length} elements`, expected }];
}

/** Callers without types hand over anything. */
function typeName(value: unknown): string {
  return value === null || value === undefined ? String(value) : ((value as object).constructor?.name ?? 'Object');
}

function noMap(feeds: unknown, slots: readonly TensorSlot[]): QError {
  const names = slots.map(({ name }) => `['${name}', array]`).join(', ');
  return new QError('Feeds are a Map of arrays by input name.', {
    code: 'runtime.feed.missing',
    where: 'feeds',
    found: typeName(feeds),
    expected: `new Map([${names}])`,
  });
}

const TEXT: Readonly<Record<string, string>> = {
  'runtime.feed.unknown': 'is not a value that can be given here',
  'runtime.feed.dtype': 'has the wrong element type',
  'runtime.feed.length': 'has the wrong length',
  'runtime.feed.missing': 'was not given',
};

function feedError(issues: readonly Issue[]): QError {
  const first = issues[0]!;
  const detail = first.found === undefined ? '' : `: ${first.found}, expected ${first.expected}`;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  return new QError(`Input ${first.where} ${TEXT[first.code]}${detail}${more}.`, first, { issues });
}
