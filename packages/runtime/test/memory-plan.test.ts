import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assignBuffers, type BufferStep, type Lifetime, lowerBound, planMemory, type Sharing } from '../src/index.ts';

const lifetimes: fc.Arbitrary<Lifetime[]> = fc.array(
  fc
    .record({ bytes: fc.nat(300), from: fc.nat(20), span: fc.nat(10) })
    .map(({ bytes, from, span }) => ({ bytes, from, to: from + span })),
  { maxLength: 40 },
);

describe('planMemory', () => {
  test('buffers that are alive together never overlap', () => {
    fc.assert(
      fc.property(lifetimes, (list) => {
        const { offsets, totalBytes } = planMemory(list);
        list.forEach((a, i) => {
          expect(offsets[i]! % 16).toBe(0);
          expect(offsets[i]! + a.bytes).toBeLessThanOrEqual(totalBytes);
          list.slice(0, i).forEach((b, j) => {
            const together = a.from <= b.to && b.from <= a.to;
            const apart = offsets[i]! + a.bytes <= offsets[j]! || offsets[j]! + b.bytes <= offsets[i]!;
            expect(!together || apart || a.bytes === 0 || b.bytes === 0).toBe(true);
          });
        });
        expect(totalBytes).toBeGreaterThanOrEqual(lowerBound(list));
      }),
    );
  });

  test('a chain needs two buffers, whatever its length', () => {
    const chain = Array.from({ length: 30 }, (_, at) => ({ bytes: 1024, from: at, to: at + 1 }));
    expect(planMemory(chain).totalBytes).toBe(2048);
  });

  test('the plan of a chain of uneven sizes is the largest neighbouring pair', () => {
    const sizes = [16, 64, 256, 64, 512, 16];
    const chain = sizes.map((bytes, at) => ({ bytes, from: at, to: at + 1 }));
    expect(planMemory(chain).totalBytes).toBe(576);
  });
});

test('the lower bound is the largest sum of aligned sizes alive at one step', () => {
  fc.assert(
    fc.property(lifetimes, (list) => {
      const alive = (step: number) => list.filter(({ from, to }) => from <= step && step <= to);
      const sums = Array.from({ length: 31 }, (_, step) =>
        alive(step).reduce((sum, { bytes }) => sum + Math.ceil(bytes / 16) * 16, 0),
      );
      expect(lowerBound(list)).toBe(Math.max(...sums));
    }),
  );
  expect(lowerBound([{ bytes: 1, from: 3, to: Number.POSITIVE_INFINITY }])).toBe(16);
});

test('where placing the largest first is not best, another order reaches the lower bound', () => {
  // Largest first puts the last value above the third one, which stands on the second.
  const list = [
    { bytes: 48, from: 4, to: 7 },
    { bytes: 48, from: 0, to: 2 },
    { bytes: 32, from: 0, to: 3 },
    { bytes: 48, from: 3, to: 4 },
  ];
  expect(lowerBound(list)).toBe(96);
  expect(planMemory(list).totalBytes).toBe(96);
});

interface RandomStep extends BufferStep {
  readonly inputs: readonly string[];
  readonly outputs: readonly [string];
}

/** Random networks: every step reads some earlier values and may be a view, or allow in-place results. */
const network: fc.Arbitrary<RandomStep[]> = fc
  .array(
    fc.record({
      reads: fc.array(fc.nat(1000), { minLength: 1, maxLength: 3 }),
      kind: fc.constantFrom('fresh', 'view', 'inPlace'),
    }),
    {
      minLength: 1,
      maxLength: 25,
    },
  )
  .map((steps) => [
    { inputs: [], outputs: ['v0'], sharing: { kind: 'fresh' } },
    ...steps.map(({ reads, kind }, at): RandomStep => {
      const inputs = reads.map((read) => `v${read % (at + 1)}`);
      const sharing: Sharing =
        kind === 'view'
          ? { kind, operand: 0 }
          : kind === 'inPlace'
            ? { kind, operands: inputs.map((_, i) => i) }
            : { kind: 'fresh' };
      return { inputs, outputs: [`v${at + 1}`], sharing };
    }),
  ]);

/**
 * Executes the network on symbols: every buffer holds what was written to it last. A view shows its source, an in-place
 * result replaces its operand. Returns what each step read, and what is left at the end.
 */
function simulate(
  steps: readonly RandomStep[],
  bufferOf: (value: string) => number,
): { reads: string[]; left: Map<number, string> } {
  const content = new Map<number, string>();
  const meaning = new Map<string, string>();
  const reads: string[] = [];
  for (const { inputs, outputs, sharing } of steps) {
    for (const name of inputs) reads.push(`${name} holds ${content.get(bufferOf(name))}, means ${meaning.get(name)}`);
    const [output] = outputs;
    const symbol = sharing.kind === 'view' ? meaning.get(inputs[sharing.operand]!)! : output;
    meaning.set(output, symbol);
    content.set(bufferOf(output), symbol);
  }
  return { reads, left: content };
}

describe('assignBuffers', () => {
  const none = new Set<string>();

  test('every step reads what was meant for it, also where buffers are shared and overlaid', () => {
    fc.assert(
      fc.property(network, fc.nat(1000), (steps, pick) => {
        const kept = `v${pick % steps.length}`;
        const rules = { bytesOf: () => 64, external: none, kept: new Set([kept]), reuse: true };
        const buffers = assignBuffers(steps, rules);
        const { offsets } = planMemory(buffers);
        const bufferOf = (value: string): number => offsets[buffers.findIndex(({ values }) => values.includes(value))]!;
        const { reads, left } = simulate(steps, bufferOf);
        for (const read of reads) {
          const [, holds, means] = /holds (\S+), means (\S+)/.exec(read)!;
          expect(holds, read).toBe(means);
        }
        const alone = simulate(steps, (value) => Number(value.slice(1)));
        expect(left.get(bufferOf(kept))).toBe(alone.left.get(Number(kept.slice(1))));
      }),
    );
  });

  test('a chain of element-wise steps needs one buffer', () => {
    const steps = Array.from(
      { length: 5 },
      (_, at): BufferStep => ({
        inputs: at === 0 ? [] : [`v${at - 1}`],
        outputs: [`v${at}`],
        sharing: at === 0 ? { kind: 'fresh' } : { kind: 'inPlace', operands: [0] },
      }),
    );
    const rules = { bytesOf: () => 64, external: none, kept: new Set(['v4']), reuse: true };
    expect(assignBuffers(steps, rules)).toHaveLength(1);
    expect(assignBuffers(steps, { ...rules, reuse: false })).toHaveLength(5);
  });

  test('weights and retained values are never written over', () => {
    const steps: BufferStep[] = [
      { inputs: ['w'], outputs: ['a'], sharing: { kind: 'inPlace', operands: [0] } },
      { inputs: ['a'], outputs: ['b'], sharing: { kind: 'inPlace', operands: [0] } },
    ];
    const rules = { bytesOf: () => 64, external: new Set(['w']), kept: new Set(['a', 'b']), reuse: true };
    const inside = assignBuffers(steps, rules).filter(({ external }) => external === undefined);
    expect(inside.map(({ values }) => values)).toEqual([['a'], ['b']]);
  });
});
