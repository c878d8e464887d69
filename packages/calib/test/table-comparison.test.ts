import { parseCalibrationTable } from '@q/ir';
import { expect, it } from 'vitest';
import { compareTables } from '../src/index.ts';

const table = (...rows: string[]) =>
  parseCalibrationTable(`# op_name    threshold    min    max\n${rows.join('\n')}\n`);

it('tables are compared by name: differences over the larger magnitude, beyond the seventh decimal', () => {
  const a = table('x 1.0 -1.0 1.0', 'only_a 1.0 0.0 1.0', 'y 2.0 0.0 2.0', 'z 0.0000002 0.0 0.0000001');
  const b = table('z 0.0000002 0.0 0.0000001', 'y 2.5 0.0 2.0', 'x 1.0000001 -0.5 1.0', 'only_b 1.0 0.0 1.0');
  const { rows, missing, extra } = compareTables(a, b);
  expect([missing, extra]).toEqual([['only_a'], ['only_b']]);
  expect(rows.map(({ name }) => name)).toEqual(['x', 'y', 'z']);
  expect(rows[0]!.threshold).toBeLessThan(6e-8);
  expect(rows[0]!.min).toBeCloseTo(0.5, 6);
  expect(rows[1]).toMatchObject({ threshold: expect.closeTo(0.2, 6), min: 0, max: 0 });
  expect(rows[2]).toEqual({ name: 'z', threshold: 0, min: 0, max: 0 });
});

it('median, 95 percent and worst are values of the list, by nearest rank', () => {
  const names = Array.from({ length: 40 }, (_, i) => `v${i}`);
  const a = table(...names.map((name) => `${name} 1.0 0.0 1.0`));
  const b = table(...names.map((name, i) => `${name} ${(1 / (1 - i / 100)).toFixed(7)} 0.0 1.0`));
  const { threshold } = compareTables(a, b).summary!;
  expect(threshold.median).toBeCloseTo(0.19, 5);
  expect(threshold.p95).toBeCloseTo(0.37, 5);
  expect(threshold.worst).toBeCloseTo(0.39, 5);
});

it('tables without a name in common have no summary', () => {
  expect(compareTables(table('x 1.0 0.0 1.0'), table('y 1.0 0.0 1.0')).summary).toBeUndefined();
});

it('layers that TPU-MLIR 1.17 names otherwise are the same, in either order', () => {
  const older = table('a_Split_new 2.7525922 -2.8366053 2.7756183');
  const own = table('a_Split_r_new 2.7525922 -2.8366053 2.7756183');
  for (const [a, b] of [[older, own] as const, [own, older] as const]) {
    const { rows, missing, extra } = compareTables(a, b);
    expect([rows, missing, extra]).toEqual([[{ name: 'a_Split_r_new', threshold: 0, min: 0, max: 0 }], [], []]);
  }
});
