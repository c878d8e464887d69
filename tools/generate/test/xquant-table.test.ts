import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
// @ts-expect-error plain JavaScript
import { xquantNetworks } from '../src/xquant-networks.mjs';
// @ts-expect-error plain JavaScript
import { renderXquantTable, TYPES, verdict } from '../src/xquant-table.mjs';

interface Figure {
  readonly figure?: number;
  readonly cosine: number;
}

interface Row {
  readonly metric?: string;
  readonly float?: number;
  readonly calibration: number;
  readonly evaluation: number;
  readonly finetune: number;
  readonly types: Readonly<Record<string, Figure>>;
  readonly report?: {
    readonly isBlame: boolean;
    readonly layers: readonly string[];
    readonly shares: readonly number[];
    readonly followed: Figure;
    readonly joined?: readonly string[];
  };
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
};

test('XQUANT.md shows the figures that were kept', () => {
  const page = readFileSync(new URL('packages/backend-spacemit/XQUANT.md', repository), 'utf8');
  expect(page).toContain(renderXquantTable(figures));
});

test('every network has a figure of every type, and named layers where the best type loses too much', () => {
  for (const [name, { types, report, ...rest }] of Object.entries(figures)) {
    expect(Object.keys(types), name).toEqual(TYPES);
    const { best, isKept } = verdict({ types, ...rest });
    expect(report !== undefined, name).toBe(!isKept);
    if (report === undefined) continue;
    expect(report.layers.length, name).toBeGreaterThan(0);
    expect(report.shares, name).toEqual(report.shares.toSorted((a, b) => b - a));
    // Whoever follows the report gets outputs nearer to those of the float network.
    expect(report.followed.cosine, name).toBeGreaterThan(types[best]!.cosine);
  }
});

test('every network that can be measured is in the table', () => {
  expect(Object.keys(figures)).toEqual(
    Object.keys(xquantNetworks(fileURLToPath(new URL('test-models', repository)), '')),
  );
});

test('the best figure wins, then the best cosine; a point may be lost; without labels the cosine must be 0.99', () => {
  expect(verdict(row)).toMatchObject({ best: 'minmax', isKept: true });
  const lossy = { ...row, types: { kl: { figure: 0.58, cosine: 0.98 }, mse: { figure: 0.58, cosine: 0.985 } } };
  expect(verdict(lossy)).toMatchObject({ best: 'mse', isKept: false });
  expect(verdict({ ...row, types: { mse: { figure: 0.5, cosine: 0.99 } } }).isKept).toBe(false);
  const { metric, float, ...unlabelled } = row;
  expect(verdict(unlabelled)).toMatchObject({ best: 'kl', isKept: false });
});

test('the table names layers with their part and what becomes of the network with them in float; missing types', () => {
  const { metric, float, ...unlabelled } = row;
  const report = { isBlame: true, layers: ['conv1', 'conv2'], shares: [0.61, 0.2], followed: { cosine: 0.997 } };
  const lastOf = (own: Row) => renderXquantTable({ net: own }).split('\n').at(-1);
  const start = '| net | 0; 4 / 6 | no labels | 0.9000 | refused | 0.9800 | refused | refused | kl; ';
  const layers = '`conv1` 61 %, `conv2` 20 %; in float: 0.9970';
  expect(lastOf({ ...unlabelled, report })).toBe(`${start}**layers to blame**: ${layers} |`);
  expect(lastOf({ ...unlabelled, report: { ...report, isBlame: false, joined: ['a', 'b'] } })).toBe(
    `${start}**largest contributors**: ${layers}; one scale for pixels and scores, cut at \`a\`, \`b\` |`,
  );
});
