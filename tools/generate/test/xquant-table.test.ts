import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
// @ts-expect-error plain JavaScript
import { renderXquantTable, TYPES, verdict } from '../src/xquant-table.mjs';

interface Row {
  readonly metric?: string;
  readonly float?: number;
  readonly calibration: number;
  readonly evaluation: number;
  readonly finetune: number;
  readonly types: Readonly<Record<string, { readonly figure?: number; readonly cosine: number }>>;
  readonly blamed: readonly string[];
  readonly joined?: readonly string[];
  readonly worst?: readonly string[];
}

const repository = new URL('../../../', import.meta.url);
const figures = JSON.parse(readFileSync(new URL('test-models/xquant.json', repository), 'utf8')) as Record<string, Row>;

const row: Row = {
  metric: 'AP',
  float: 0.6,
  calibration: 4,
  evaluation: 6,
  finetune: 0,
  types: { minmax: { figure: 0.59, cosine: 0.9 }, kl: { figure: 0.58, cosine: 0.98 } },
  blamed: ['conv1'],
};

test('XQUANT.md shows the figures that were kept', () => {
  const page = readFileSync(new URL('packages/backend-spacemit/XQUANT.md', repository), 'utf8');
  expect(page).toContain(renderXquantTable(figures));
});

test('every network has a figure of every type, and something to blame where the best type loses too much', () => {
  for (const [name, { types, blamed, joined = [], worst = [], ...rest }] of Object.entries(figures)) {
    expect(Object.keys(types), name).toEqual(TYPES);
    if (!verdict({ types, ...rest }).isKept)
      expect(blamed.length + joined.length + worst.length, name).toBeGreaterThan(0);
  }
});

test('the best figure wins, then the best cosine; a point may be lost; without labels the cosine must be 0.99', () => {
  expect(verdict(row)).toMatchObject({ best: 'minmax', isKept: true });
  const lossy = { ...row, types: { kl: { figure: 0.58, cosine: 0.98 }, mse: { figure: 0.58, cosine: 0.985 } } };
  expect(verdict(lossy)).toMatchObject({ best: 'mse', isKept: false });
  expect(verdict({ ...row, types: { mse: { figure: 0.5, cosine: 0.99 } } }).isKept).toBe(false);
  const { metric, float, ...unlabelled } = row;
  expect(verdict(unlabelled)).toMatchObject({ best: 'kl', isKept: false });
});

test('the table names the layers to blame, and types that are missing', () => {
  const { metric, float, ...unlabelled } = row;
  const line = renderXquantTable({ net: unlabelled }).split('\n').at(-1);
  expect(line).toBe(
    '| net | 0; 4 / 6 | no labels | 0.9000 | refused | 0.9800 | refused | refused | kl; **to blame**: `conv1` |',
  );
});
