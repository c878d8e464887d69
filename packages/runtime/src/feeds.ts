import { type Issue, QError, type TypedArray } from '@q/ir';
import type { TensorSlot } from './slot.ts';
import { storageOfArray } from './storage.ts';

export type Feeds = ReadonlyMap<string, TypedArray>;

/**
 * Checks names, lengths and element types of arrays that are to be written to `slots`.
 *
 * @throws one QError with every problem: `runtime.feed.missing`, `.unknown`, `.dtype`, `.length`.
 */
export function checkFeeds(feeds: Feeds, slots: readonly TensorSlot[], required: boolean): void {
  const issues: Issue[] = [];
  const known = new Map(slots.map((slot) => [slot.name, slot]));
  for (const [name, data] of feeds) {
    const slot = known.get(name);
    if (slot === undefined) {
      issues.push({ code: 'runtime.feed.unknown', where: name, expected: `one of ${[...known.keys()].join(', ')}` });
    } else if (storageOfArray(data) !== slot.dtype) {
      issues.push({
        code: 'runtime.feed.dtype',
        where: name,
        found: data.constructor.name,
        expected: `${slot.dtype} elements`,
      });
    } else if (data.length !== slot.length) {
      const expected = `${slot.length} (${slot.shape.join('x')})`;
      issues.push({ code: 'runtime.feed.length', where: name, found: `${data.length} elements`, expected });
    }
  }
  for (const slot of required ? slots : []) {
    if (!feeds.has(slot.name))
      issues.push({ code: 'runtime.feed.missing', where: slot.name, expected: slot.shape.join('x') });
  }
  if (issues.length > 0) throw feedError(issues);
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
