import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { isQError } from '@q/ir';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openLmdbDataset, walkLmdb } from '../src/index.ts';
import { readDatum } from '../src/lmdb/datum.ts';
import { inputGraph } from './input-graph.ts';

/** Written with py-lmdb: 60 records of bytes, 60 of floats (every other one not packed), and one of 30 000 bytes. */
const file = new Uint8Array(gunzipSync(readFileSync(new URL('./fixtures/calibration.mdb.gz', import.meta.url))));
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('an LMDB file of format 1 (bm1684-tools.md 3.2)', () => {
  it('gives its records in key order, long ones too', () => {
    const records = [...walkLmdb(file)];
    expect(records.length).toBe(121);
    expect(records.slice(0, 2).map(({ key }) => text(key))).toEqual(['0000000000__img0', '0000000001__img1']);
    expect(records.at(-1)!.value.length).toBe(30_000);
    const hash = createHash('sha256');
    for (const { key, value } of records) hash.update(key).update('\0').update(value);
    // As py-lmdb's own cursor gives them.
    expect(hash.digest('hex')).toBe('a36f43defc5b7e2ca1ce6a702219d668aa66d915cfed32628e1bb7ccfc754144');
  });

  it('refuses other formats by name', () => {
    const second = new Uint8Array(16384);
    new DataView(second.buffer).setUint32(24, 0xbeefc0de, true);
    new DataView(second.buffer).setUint32(28, 2, true);
    for (const [bytes, found] of [
      [second, 'format 2'],
      [new Uint8Array(16384), 'another kind of file'],
      [new Uint8Array(3), 'another kind of file'],
    ] as const) {
      expect(() => [...walkLmdb(bytes, 'x.mdb')]).toThrow(expect.objectContaining({ code: 'dataset.lmdb', found }));
    }
  });

  it('answers damage with its code, or with records, never with anything else', () => {
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.nat(255), fc.nat(file.length), (at, value, length) => {
        const damaged = file.slice(0, Math.max(48, length));
        damaged[at % damaged.length] = value;
        let seen = 0;
        try {
          for (const record of walkLmdb(damaged)) if (record.key.length >= 0 && ++seen > 100_000) break;
        } catch (error) {
          expect(isQError(error) && error.code === 'dataset.lmdb').toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('records', () => {
  const records = [...walkLmdb(file)];

  it('of bytes and of floats, packed or not', () => {
    const pixels = readDatum(records[3]!.value, 'r');
    expect(pixels).toMatchObject({ shape: [3, 4, 5], label: 3, isPixels: true });
    expect([...pixels.values!.slice(0, 3)]).toEqual([21, 34, 47]);
    for (const at of [60, 61]) {
      const floats = readDatum(records[at]!.value, 'r');
      expect(floats).toMatchObject({ shape: [1, 3, 4, 5], isPixels: false });
      expect([...floats.values!.slice(0, 2)]).toEqual([(at + 1) / 2, (at + 1) / 2 + 1]);
    }
  });

  it('that are no Datum are refused', () => {
    for (const bytes of [[0x22, 0x7f], [0x08], [0x0b]]) {
      expect(() => readDatum(Uint8Array.from(bytes), 'r')).toThrow(expect.objectContaining({ code: 'dataset.lmdb' }));
    }
  });

  it('become samples: pixels go through the preprocessing, floats do not', async () => {
    const images = openLmdbDataset({
      data: file,
      graph: inputGraph({
        data: { shape: [1, 3, 4, 5], attributes: { pixelFormat: 'rgb', mean: [1, 2, 3], scale: [1, 1, 2] } },
      }),
      inputNum: 4,
    });
    expect(images.length).toBe(4);
    expect(images.files(2)).toEqual(['0000000002__img2']);
    const values = (await images.sample(1)).get('data')!;
    // Stored blue first; plane k begins with 7 + 13 * 20 k modulo 256.
    const stored = (plane: number): number => (7 + 13 * 20 * plane) % 256;
    expect([values[0], values[20], values[40]]).toEqual([stored(2) - 1, stored(1) - 2, (stored(0) - 3) * 2]);
  });
});
