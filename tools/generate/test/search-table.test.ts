import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
// @ts-expect-error plain JavaScript
import { places, recoveries, searchedNetworks } from '../src/search-networks.mjs';
// @ts-expect-error plain JavaScript
import * as table from '../src/search-table.mjs';

const { cellOf, layerCosines, methodScores, rankedLosses, renderRecoveries, renderRuns, tableRows } = table;

const repository = new URL('../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, repository), 'utf8');
const figures = JSON.parse(read('test-models/searches.json'));

test('the README of the searches shows the figures that were kept', () => {
  const page = read('packages/search/README.md');
  expect(page).toContain(renderRecoveries(figures.recoveries));
  expect(page).toContain(renderRuns(figures.runs));
});

test('every row names files that are there, and can be replayed', () => {
  for (const { config, search } of recoveries as { config: string; search: string }[]) {
    expect(existsSync(new URL(`test-models/${config}`, repository)), config).toBe(true);
    for (const [, module] of search.matchAll(/\$\(root\)\/(\S+)/g)) {
      expect(existsSync(new URL(module!, repository)), module).toBe(true);
    }
  }
  for (const name of Object.keys(figures.runs)) expect(Object.keys(searchedNetworks)).toContain(name);
  expect(places('/a/', '/b', '/c')).toEqual({ root: '/a', shared: '/b', generated: '/c' });
});

test('a row says how much of the loss came back; bold is four fifths with at most a tenth of the layers', () => {
  const row = { metric: 'AP', samples: 9, float: 0.7, int8: 0.6, found: 0.69, floatLayers: 2, layers: 28, seconds: 3 };
  expect(renderRecoveries({ net: row })).toContain(
    '| net | AP, 9 | 70.0 % | 60.0 % | 69.0 % | **90 %** | 2 of 28 | 3 |',
  );
  expect(renderRecoveries({ net: { ...row, floatLayers: 3 } })).toContain('| 90 % |');
  expect(renderRecoveries({ net: { ...row, found: 0.67 } })).toContain('| 70 % |');
});

test('logs and tables are read as the searches write them', () => {
  const log =
    'INFO:root:the layer a is 0 sensitive layer, loss is 0.25, type is top.Conv\nINFO:root:the layer b is 1 sensitive layer, loss is 1e-05, type is top.Add';
  expect(rankedLosses(log)).toEqual([0.25, 0.00001]);
  expect(layerCosines('No.0   : Layer: a\t\t\tCos: 0.998492')).toEqual([0.998492]);
  expect(methodScores("INFO:root:cos similarity scores: {'KL': 0.97, 'MAX': 0.98}")).toEqual([0.97, 0.98]);
  expect(tableRows('# a\n###\nb F32\nc F32\n')).toBe(2);
  expect(cellOf({ candidates: 2, values: [0.00001, 0.25], floatLayers: '1 float', seconds: 3.2 })).toBe(
    '2: 1e-5 … 0.250; 1 float; 3 s',
  );
});
