import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
// @ts-expect-error plain JavaScript
import { METHODS, PROCESSORS, renderTable } from '../src/quantized-table.mjs';

interface Row {
  readonly metric: string;
  readonly samples: number;
  readonly float: number;
  readonly quantized: Readonly<Record<string, number>>;
  readonly refused: Readonly<Record<string, string>>;
}

const models = new URL('../../../test-models/', import.meta.url);
const figures = JSON.parse(readFileSync(new URL('quantized.json', models), 'utf8')) as Record<string, Row>;

test('the README shows the figures that were kept', () => {
  expect(readFileSync(new URL('README.md', models), 'utf8')).toContain(renderTable(figures));
});

test('every harness file has its rows, of every method on every processor, or the reason why not', () => {
  const folders = readdirSync(models, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const configs = folders.flatMap(({ name }) =>
    readdirSync(new URL(`${name}/`, models))
      .filter((file) => file.endsWith('mlir.config.yaml'))
      .map((file) => readFileSync(new URL(`${name}/${file}`, models), 'utf8')),
  );
  const names = configs.map((text) => (parse(text) as { name: string }).name);
  expect(Object.keys(figures).toSorted()).toEqual(names.toSorted());
  for (const [name, { quantized, refused }] of Object.entries(figures)) {
    for (const processor of PROCESSORS) {
      if (processor in refused) continue;
      for (const method of METHODS) expect(quantized, name).toHaveProperty(`${processor} INT8 ${method}`);
    }
  }
});

test('a naive setting, thresholds by max, costs at least two networks more than two points', () => {
  const losers = Object.values(figures).filter(
    ({ metric, float, quantized }) =>
      metric !== 'PSNR' &&
      PROCESSORS.some((processor: string) => float - (quantized[`${processor} INT8 max`] ?? float) > 0.02),
  );
  expect(losers.length).toBeGreaterThanOrEqual(2);
});
