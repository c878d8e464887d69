import { describe, expect, it } from 'vitest';
import { labelOf, readLabels } from '../src/index.ts';

describe('readLabels', () => {
  it('finds its columns by name, with quoted fields and any line ends', () => {
    const labels = readLabels(
      '\uFEFFwords,file,class_index\r\n"tench, Tinca ""t""",a/b.JPEG,0\r\nx, c.png ,12\r\n\r\n',
      'l.csv',
    );
    expect([...labels]).toEqual([
      ['a/b.JPEG', 0],
      ['c.png', 12],
    ]);
    expect(labelOf(labels, 'a/b.JPEG')).toBe(0);
    expect(labelOf(labels, 'somewhere/c.png')).toBe(12);
    expect(labelOf(labels, 'd.png')).toBeUndefined();
  });

  it('refuses other headers, and reports every bad row', () => {
    expect(() => readLabels('name,label\na,1', 'l.csv')).toThrow(
      expect.objectContaining({ code: 'dataset.labels', found: 'name,label' }),
    );
    expect(() => readLabels('', 'l.csv')).toThrow(expect.objectContaining({ code: 'dataset.labels' }));
    expect(() => readLabels('file,class_index\na,1\nb,-1\n,3\nc', 'l.csv')).toThrow(
      expect.objectContaining({
        issues: ['row 3', 'row 4', 'row 5'].map((row) => expect.objectContaining({ where: `l.csv, ${row}` })),
      }),
    );
  });
});
