import { describe, expect, it } from 'vitest';
import { flag, integer, integers, messages, number, text, texts } from '../../src/caffe/fields.ts';
import { parseTextFormat } from '../../src/caffe/text-format.ts';

const parse = (source: string) => parseTextFormat(source, 'net.prototxt');

describe('parseTextFormat', () => {
  it('keeps every field, known or not, in order', () => {
    const file = parse(
      'name: "net" layer { name: "a" brand_new { x: 1 } x: 2 } layer { name: "b" } layer: <name: \'c\'>',
    );
    expect([...file.fields.keys()]).toEqual(['name', 'layer']);
    expect(messages(file, 'layer').map((layer) => text(layer, 'name'))).toEqual(['a', 'b', 'c']);
    expect(integer(messages(messages(file, 'layer')[0]!, 'brand_new')[0]!, 'x')).toBe(1);
  });

  it('reads strings, lists, numbers and comments as protobuf does', () => {
    const file = parse(String.raw`# comment
      s: "a\"b\n\x41\101" "tail"   # joined
      list: [1, 2,3] list: 4;
      f: 1.5e-3f, g: -.5 h: 0x10 b: true i: inf
    `);
    expect(text(file, 's')).toBe('a"b\nAAtail');
    expect(integers(file, 'list')).toEqual([1, 2, 3, 4]);
    expect(number(file, 'f')).toBe(0.0015);
    expect(number(file, 'g')).toBe(-0.5);
    expect(integer(file, 'h')).toBe(16);
    expect(flag(file, 'b', false)).toBe(true);
    expect(number(file, 'i')).toBe(Number.POSITIVE_INFINITY);
    expect(texts(file, 'missing')).toEqual([]);
  });

  it.each([
    ['layer {', /net\.prototxt:1:8/],
    ['a: 1\nb 2', /net\.prototxt:2:3/],
    ['a: [1, 2', /net\.prototxt:1:9/],
    ['a: 1 }', /net\.prototxt:1:6/],
    ['a: "open', /net\.prototxt:1:4/],
    [`${'a {'.repeat(1000)}`, /levels of nesting/],
  ])('refuses %j with its place', (source, message) => {
    expect(() => parse(source)).toThrow(
      expect.objectContaining({ code: 'caffe.syntax', message: expect.stringMatching(message) }),
    );
  });

  it('names the field and the line of a value of the wrong kind', () => {
    const file = parse('a: 1\nb: three');
    expect(() => number(file, 'b')).toThrow(
      expect.objectContaining({ code: 'caffe.field', where: 'net.prototxt:2:4' }),
    );
    expect(() => messages(file, 'a')).toThrow(expect.objectContaining({ code: 'caffe.field' }));
  });
});
