import { expect, test } from 'vitest';
import { findCycles } from '../src/value-cycles.mjs';

const graph = (edges: Record<string, string[]>): Map<string, string[]> => new Map(Object.entries(edges));

test('two separate cycles that share no file, and a file that imports itself', () => {
  const edges = graph({ a: ['b'], b: ['a', 'x'], x: ['y'], y: ['z'], z: ['x'], s: ['s'], t: ['a'] });
  expect(findCycles(edges)).toEqual([['a', 'b'], ['s'], ['x', 'y', 'z']]);
});

test('a diamond is no cycle', () => {
  expect(findCycles(graph({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }))).toEqual([]);
});

test('a long way round is found behind a short dead end', () => {
  expect(findCycles(graph({ a: ['dead', 'b'], dead: [], b: ['c'], c: ['d', 'dead'], d: ['b'] }))).toEqual([
    ['b', 'c', 'd'],
  ]);
});
