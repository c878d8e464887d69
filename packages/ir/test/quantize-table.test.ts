import {
  isQError,
  parseInlineQuantizeTable,
  parseQuantizeTable,
  printQuantizeTable,
  QUANTIZE_MODES,
  type QuantizeTable,
  quantizeHeader,
} from '@q/ir';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const time = '2023-05-09 13:14:20.499857';

describe('quantize table', () => {
  it('has the header of the searches, and five lines for fp_forward', () => {
    expect(quantizeHeader({ time, samples: 10, processor: 'bm1684x', mode: 'F16', layers: 9 }).join('\n')).toBe(
      `# genetated time: ${time}\n# sample number: 10\n# chip: bm1684x  mix_mode: F16\n# number of F16 layer: 9\n###\n# op_name   quantize_mode`,
    );
    expect(quantizeHeader({ time, processor: 'cv183x', mode: 'BF16', layers: 0 })).toHaveLength(5);
  });

  it('reads leniently', () => {
    const table = parseQuantizeTable('# c\r\n a\tf32 \r\n\r\nb W4F16 64\nlonely\na bf16\n');
    expect([...table.rows]).toEqual([
      ['a', { mode: 'BF16' }],
      ['b', { mode: 'W4F16', groupSize: 64 }],
    ]);
    expect(table.header).toEqual(['# c']);
    expect(table.warnings.map(({ code, where }) => `${where}: ${code}`)).toEqual([
      'quantize table, line 6: qtable.duplicate',
      'quantize table, line 5: qtable.single-column',
    ]);
  });

  it('takes a list of names for the CV18xx ancestor, and an inline list for a table', () => {
    expect([...parseQuantizeTable('a\nb\n').rows]).toEqual([
      ['a', { mode: 'BF16' }],
      ['b', { mode: 'BF16' }],
    ]);
    expect([...parseInlineQuantizeTable('a:0_Relu:F32,b:INT8').rows]).toEqual([
      ['a:0_Relu', { mode: 'F32' }],
      ['b', { mode: 'INT8' }],
    ]);
  });

  it('reports all bad lines at once', () => {
    try {
      parseQuantizeTable('a F33\nb F16\nc F16 x\n', 'q');
      expect.fail('accepted');
    } catch (error) {
      expect(isQError(error) && error.issues.map(({ code, where }) => `${where}: ${code}`)).toEqual([
        'q, line 1: qtable.mode',
        'q, line 3: qtable.row',
      ]);
    }
  });

  it('keeps the group titles of newer tables', () => {
    const text = '# head\n###\n# pattern layers\na F16\n# shape layers\nb F32\nc F32\n# custom layers\nd INT8\n';
    expect(printQuantizeTable(parseQuantizeTable(text))).toBe(text);
  });

  it('reads back what it printed', () => {
    const row = fc.record(
      { mode: fc.constantFrom(...QUANTIZE_MODES), groupSize: fc.nat(512) },
      { requiredKeys: ['mode'] },
    );
    const name = fc.stringMatching(/^[\w/.:][\w/.:#-]{0,11}$/);
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, row), { selector: ([key]) => key }), (rows) => {
        const table: QuantizeTable = { header: ['# h'], rows: new Map(rows), comments: new Map(), warnings: [] };
        expect(parseQuantizeTable(printQuantizeTable(table))).toEqual(table);
      }),
    );
  });
});
