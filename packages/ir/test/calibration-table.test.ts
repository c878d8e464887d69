import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  calibrationHeader,
  emptyCalibrationTable,
  formatFixed7,
  isQError,
  parseCalibrationTable,
  parseInlineQuantizeTable,
  parseQuantizeTable,
  printCalibrationTable,
} from '@q/ir';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharedFolder } from './shared-folder.ts';

const time = '2023-04-18 11:48:00.988865';

describe('%.7f', () => {
  it.each([
    [0, '0.0000000'],
    [-0, '-0.0000000'],
    [-1e-9, '-0.0000000'],
    [1.98120001, '1.9812000'],
    [1 / 256, '0.0039062'],
    [3 / 256, '0.0117188'],
    [-5 / 256, '-0.0195312'],
    [1.5, '1.5000000'],
    [0.5 + 1 / 256, '0.5039062'],
    [Number.POSITIVE_INFINITY, 'inf'],
    [Number.NEGATIVE_INFINITY, '-inf'],
    [Number.NaN, 'nan'],
    [3.4028234663852886e38, '340282346638528859811704183484516925440.0000000'],
    [123456789.5, '123456789.5000000'],
  ])('%d prints as %s', (value, text) => {
    expect(formatFixed7(value)).toBe(text);
  });
});

describe('headers', () => {
  it('2023, tuned and untuned', () => {
    expect(calibrationHeader({ era: '2023', time, histogramBins: 2048, samples: 100, tuned: 5 }).join('\n')).toBe(
      `# genetated time: ${time}\n# histogram number: 2048\n# sample number: 100\n# tune number: 5\n###\n# op_name    threshold    min    max`,
    );
    expect(calibrationHeader({ era: '2023', time, histogramBins: 2048, samples: 100 }).join('\n')).toBe(
      `# genetated time: ${time}\n# histogram number: 2048\n# sample number: 100\n###\n# op_name    threshold    min    max`,
    );
  });

  it('V1.9 names tool and model; search tools add the method; fp8 replaces the histogram', () => {
    expect(
      calibrationHeader({
        era: 'V1.9',
        time,
        version: 'v1.9',
        mlirFile: 'a.mlir',
        histogramBins: 2048,
        samples: 10,
        tuned: 5,
        method: 'KL',
      }),
    ).toEqual([
      '# mlir version: v1.9',
      '# mlir: a.mlir',
      `# genetated time: ${time}`,
      '# quantization threshold calculation method: KL',
      '# histogram number: 2048',
      '# sample number: 10',
      '# tune number: 5',
      '###',
      '# op_name    threshold    min    max',
    ]);
    const fp8 = calibrationHeader({
      era: 'V1.9',
      time,
      version: 'v',
      mlirFile: 'a.mlir',
      histogramBins: 2048,
      samples: 10,
      fp8: true,
      timeLine: 'genertated',
    });
    expect(fp8.slice(2)).toEqual([
      `# genertated time: ${time}`,
      '#tpu-mlir-fp8 caliration table',
      '# sample number: 10',
      '###',
      '# op_name    threshold    min    max',
    ]);
  });

  it('2026', () => {
    expect(
      calibrationHeader({
        era: '2026',
        time,
        version: 'v2',
        mlirFile: 'a.mlir',
        histogramBins: 2048,
        samples: 100,
        tuned: 5,
        method: "['kl']",
      }),
    ).toEqual([
      '# mlir version: v2 cali version 1.0',
      '# mlir: a.mlir',
      `# genetated time: ${time}`,
      "# quantization threshold calculation method: ['kl']",
      '# histogram number: 2048',
      '# sample number: 100',
      '###',
      '# tune number: 5',
      '###',
      '# op_name    threshold    min    max',
    ]);
  });
});

describe('reader', () => {
  it('accepts any blanks, CRLF, threshold-only rows and missing headers', () => {
    const table = parseCalibrationTable('a  1.5\t-1.5   1.25\r\n\r\nb 2\r\n');
    expect([...table.rows]).toEqual([
      ['a', { threshold: 1.5, min: -1.5, max: 1.25 }],
      ['b', { threshold: 2, min: -2, max: 2 }],
    ]);
    expect(table.warnings).toEqual([]);
  });

  it('reports what TPU-MLIR would drop in silence', () => {
    const table = parseCalibrationTable(
      'a 1e+01 0 1.0E1\nb nan 0 1\nc inf -inf 1\nd 1 2\na 3 0 3\n# my_int4_op.mlir\n',
      't',
    );
    expect([...table.rows]).toEqual([
      ['a', { threshold: 3, min: 0, max: 3 }],
      ['c', { threshold: 65000, min: -65000, max: 1 }],
    ]);
    expect(table.warnings.map(({ code, where }) => `${where}: ${code}`)).toEqual([
      't, line 1: cali-table.spelling',
      't, line 1: cali-table.spelling',
      't, line 2: cali-table.row',
      't, line 3: cali-table.infinite',
      't, line 3: cali-table.infinite',
      't, line 4: cali-table.row',
      't, line 5: cali-table.duplicate',
      't, line 6: cali-table.accidental-marker',
    ]);
  });

  it('keeps every section and prints them back', () => {
    const text = [
      '# head',
      'a 1.0000000 -1.0000000 1.0000000',
      '',
      '#tpu-mlir-fp8',
      'f 4.0000000 -4.0000000 4.0000000',
      '',
      '#int4_th',
      'a 0.7000000 -0.8000000 0.7000000',
      '',
      '#weight_scale',
      'a_weight 2 0.5 0.0000001 ',
      '#asym_op',
      'x',
      'y',
      '#int4_op',
      'a',
      '',
    ]
      .join('\n')
      .replace('0.0000001', '1e-7');
    const table = parseCalibrationTable(text);
    expect(table.sections.asymmetricOps).toEqual(['x', 'y']);
    expect(table.sections.int4Ops).toEqual(['a']);
    expect([...table.sections.weightScales]).toEqual([['a_weight', [0.5, 1e-7]]]);
    expect(table.sections.int4.get('a')).toEqual({ threshold: 0.7, min: -0.8, max: 0.7 });
    expect(table.sections.fp8.get('f')).toEqual({ threshold: 4, min: -4, max: 4 });
    expect(printCalibrationTable(table)).toBe(text);
  });

  it('separates sections as the original does', () => {
    const sections = { ...emptyCalibrationTable().sections, asymmetricOps: ['a'] };
    const table = {
      ...emptyCalibrationTable(['###']),
      rows: new Map([['a', { threshold: 1, min: -1, max: 1 }]]),
      sections,
    };
    expect(printCalibrationTable(table)).toBe('###\na 1.0000000 -1.0000000 1.0000000\n\n#asym_op\na\n');
  });

  it('refuses other files', () => {
    for (const text of ['', 'layer {\n  threshold_y: 255.001235962\n}', 'just words in a file here']) {
      let code = 'no error';
      try {
        parseCalibrationTable(text);
      } catch (error) {
        code = isQError(error) ? error.code : 'foreign error';
      }
      expect(code, text).toBe('cali-table.no-rows');
    }
  });
});

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 1 / 256, -3 / 256, 1e21, 1e-9),
);
const names = fc.stringMatching(/^[\w/.:][\w/.:#-]{0,11}$/);

describe('round trip', () => {
  it('prints, reads and prints the same text; values differ by less than the printed precision', () => {
    const rows = fc.uniqueArray(fc.tuple(names, fc.record({ threshold: number, min: number, max: number })), {
      selector: ([name]) => name,
      maxLength: 6,
    });
    fc.assert(
      fc.property(rows, rows, fc.array(names, { maxLength: 3 }), (first, second, asymmetricOps) => {
        const sections = { ...emptyCalibrationTable().sections, int4: new Map(second), asymmetricOps };
        const table = { ...emptyCalibrationTable(['# a comment']), rows: new Map(first), sections };
        const text = printCalibrationTable(table);
        const back = parseCalibrationTable(text);
        expect(back.warnings).toEqual([]);
        expect(printCalibrationTable(back)).toBe(text);
        expect([...back.rows.keys()]).toEqual(first.map(([name]) => name));
        for (const [name, row] of first) expect(back.rows.get(name)!.min).toBe(Number(formatFixed7(row.min)));
      }),
    );
  });

  it('answers any text with a table or a coded error', () => {
    const noise = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('a', ' ', '1', '.', '-', 'e', '+', '#', '\n', '\r', '\t') }),
    );
    fc.assert(
      fc.property(noise, (text) => {
        for (const read of [parseCalibrationTable, parseQuantizeTable, parseInlineQuantizeTable]) {
          try {
            read(text);
          } catch (error) {
            expect(isQError(error) && error.code).toMatch(/^(cali-table|qtable)\./);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('reproduces published tables byte for byte', () => {
    const folder = sharedFolder('data/reference/cali_tables');
    if (folder === undefined) return;
    const files = [folder, join(folder, 'other_models')].flatMap((dir) =>
      readdirSync(dir)
        .filter((name) => /_cali_table/.test(name))
        .map((name) => join(dir, name)),
    );
    expect(files.length).toBeGreaterThan(30);
    const different = files.filter((file) => {
      const text = readFileSync(file, 'utf8');
      return printCalibrationTable(parseCalibrationTable(text, file)) !== text;
    });
    // These hold rows with other digit counts: edited by hand, or written by another program.
    expect(different.map((file) => file.slice(folder.length + 1))).toEqual([
      'other_models/alphapose_res50_cali_table',
      'other_models/bert_base_pt_cali_table',
      'other_models/pp_yoloe_m_cali_table',
    ]);
  });
});
