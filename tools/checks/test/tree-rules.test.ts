import { describe, expect, test } from 'vitest';
import { checkFileLength, limit } from '../src/file-length.mjs';
import { checkFileNames } from '../src/file-names.mjs';
import { checkMachineTraces } from '../src/machine-traces.mjs';
import { plantTracked } from './fixture-tree.ts';

const lines = (count: number): string => 'export {};\n'.repeat(count);

describe('names', () => {
  test('names that say nothing, and code that is not in kebab-case', () => {
    const root = plantTracked({
      'packages/ir/src/utils/round.ts': '',
      'packages/ir/src/utils/sort.ts': '',
      'packages/ir/src/misc.ts': '',
      'packages/ir/test/test-helpers.ts': '',
      'packages/ir/src/common.ts': '',
      'packages/ir/src/roundHalf.ts': '',
      'packages/ir/src/common-divisor.ts': '',
      'packages/ir/src/utilization.ts': '',
      'tools/train/render_objects.py': '',
    });
    expect(checkFileNames(root).map(({ where }) => where)).toEqual([
      'packages/ir/src/common.ts',
      'packages/ir/src/misc.ts',
      'packages/ir/src/roundHalf.ts',
      'packages/ir/src/utils',
      'packages/ir/test/test-helpers.ts',
    ]);
  });
});

describe('length', () => {
  const tree = {
    'packages/ir/src/long.ts': lines(limit + 1),
    'packages/ir/src/full.ts': lines(limit),
    'packages/ir/src/generated/onnx.ts': lines(limit + 1),
    'packages/ir/src/table.ts': lines(limit + 1),
  };

  test('one line too many', () => {
    const problems = checkFileLength(plantTracked(tree), { 'packages/ir/src/table.ts': 'a table' });
    expect(problems.map(({ where, message }) => `${where} ${message}`)).toEqual([
      `packages/ir/src/long.ts has ${limit + 1} lines, more than ${limit}`,
    ]);
  });

  test('an exception that is not needed any more', () => {
    const exceptions = {
      'packages/ir/src/table.ts': 'a table',
      'packages/ir/src/long.ts': 'a list',
      'packages/ir/src/full.ts': 'was long',
    };
    expect(checkFileLength(plantTracked(tree), exceptions).map(({ where }) => where)).toEqual([
      'packages/ir/src/full.ts',
    ]);
  });
});

describe('traces', () => {
  test('paths of one machine and hosts of one network', () => {
    const home = ['', 'home', 'ada', 'q'].join('/');
    const host = 'registry.example.org';
    const root = plantTracked({
      'packages/ir/README.md': `fine: ../shared, /tmp, ./home/x, https://example.org/home/x\nsee ${home}/notes\n`,
      'packages/ir/src/fetch.ts': `const from = 'https://${host}/left-pad';\nconst own = 'http://127.0.0.1:' + port;\n`,
      'packages/ir/src/windows.ts': `const dir = 'C:\\${'Users'}\\ada';\n`,
      'model.onnx': `${home}/exported\n`,
    });
    expect(checkMachineTraces(root).map(({ where }) => where)).toEqual([
      'packages/ir/README.md:2',
      'packages/ir/src/fetch.ts:1',
      'packages/ir/src/windows.ts:1',
    ]);
  });
});
