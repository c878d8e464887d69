import { QError } from '@q/ir';

/** One record: both are views on the file. */
export interface LmdbRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

const MAGIC = 0xbeefc0de;
const HEADER = 16;
const BRANCH = 1;
const LEAF = 2;
const BIG_DATA = 1;
const SUB_DATABASE = 2;
const DUPLICATES = 4;
/** A tree of so many levels would hold more than any file can. */
const DEEPEST = 64;
const NO_PAGE = 0xffffffff_ffffffffn;

/**
 * The records of an LMDB file of format 1 (LMDB 0.9, as py-lmdb, Caffe and ufwio write them; 64 bits, little endian), in key
 * order, without native code (bm1684-tools.md 3.2). Read-only.
 *
 * @throws QError `dataset.lmdb` for other formats and for damaged files
 */
export function* walkLmdb(bytes: Uint8Array, where = 'data.mdb'): Generator<LmdbRecord> {
  const file = new LmdbFile(bytes, where);
  const { root, depth } = file.newestMeta();
  if (root !== NO_PAGE) yield* file.walk(Number(root), depth);
}

class LmdbFile {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #where: string;
  readonly #pageSize: number;

  constructor(bytes: Uint8Array, where: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#where = where;
    this.#checkFormat();
    this.#pageSize = this.#view.getUint32(40, true);
    const { clz32 } = Math;
    const power = this.#pageSize >= 256 && 1 << (31 - clz32(this.#pageSize)) === this.#pageSize;
    if (!power || bytes.length < 2 * this.#pageSize) throw this.#damaged(`a page size of ${this.#pageSize}`);
  }

  /** Where the tree of the newer of the two meta pages begins. */
  newestMeta(): { readonly root: bigint; readonly depth: number } {
    const view = this.#view;
    const at = view.getBigUint64(144, true) >= view.getBigUint64(this.#pageSize + 144, true) ? 0 : this.#pageSize;
    return { root: view.getBigUint64(at + 128, true), depth: view.getUint16(at + 94, true) };
  }

  *walk(page: number, depth: number): Generator<LmdbRecord> {
    const start = page * this.#pageSize;
    if (depth < 1 || depth > DEEPEST) throw this.#damaged(`a tree of ${depth} levels at page ${page}`);
    this.#checkRange(start, this.#pageSize);
    const flags = this.#view.getUint16(start + 10, true);
    const count = (this.#view.getUint16(start + 12, true) - HEADER) >> 1;
    if (count < 0 || HEADER + 2 * count > this.#pageSize) throw this.#damaged(`a page of ${count} nodes`);
    for (let i = 0; i < count; i++) {
      const node = start + this.#view.getUint16(start + HEADER + 2 * i, true);
      this.#checkRange(node, 8);
      if (flags & BRANCH) yield* this.walk(this.#childOf(node), depth - 1);
      else if (flags & LEAF) yield this.#recordAt(node);
      else throw this.#damaged(`page ${page} with flags ${flags}`);
    }
  }

  #childOf(node: number): number {
    const view = this.#view;
    const [low, high, top] = [0, 2, 4].map((offset) => view.getUint16(node + offset, true)) as [number, number, number];
    return low + high * 2 ** 16 + top * 2 ** 32;
  }

  #recordAt(node: number): LmdbRecord {
    const view = this.#view;
    const size = view.getUint16(node, true) + view.getUint16(node + 2, true) * 2 ** 16;
    const flags = view.getUint16(node + 4, true);
    const keySize = view.getUint16(node + 6, true);
    if (flags & (SUB_DATABASE | DUPLICATES)) throw this.#damaged('a sub-database or duplicate keys');
    const key = this.#slice(node + 8, keySize);
    const data = node + 8 + keySize;
    if (!(flags & BIG_DATA)) return { key, value: this.#slice(data, size) };
    this.#checkRange(data, 8);
    const page = Number(view.getBigUint64(data, true));
    return { key, value: this.#slice(page * this.#pageSize + HEADER, size) };
  }

  #slice(from: number, length: number): Uint8Array {
    this.#checkRange(from, length);
    return this.#bytes.subarray(from, from + length);
  }

  #checkRange(from: number, length: number): void {
    if (from + length > this.#bytes.length) throw this.#damaged(`an address ${from} + ${length} behind its end`);
  }

  #checkFormat(): void {
    const { length } = this.#bytes;
    if (length >= 48 && this.#view.getUint32(16, true) === MAGIC && this.#view.getUint32(20, true) === 1) return;
    const second = length >= 48 && this.#view.getUint32(24, true) === MAGIC;
    throw new QError(`${this.#where} is no LMDB file of format 1.`, {
      code: 'dataset.lmdb',
      where: this.#where,
      found: second ? `format ${this.#view.getUint32(28, true)}` : 'another kind of file',
      expected: 'a data.mdb as py-lmdb, Caffe or ufwio write it (LevelDB is not read)',
      hint: 'unpack it to images or npz with the tool that wrote it',
    });
  }

  #damaged(found: string): QError {
    return new QError(`${this.#where} is damaged: it has ${found}.`, {
      code: 'dataset.lmdb',
      where: this.#where,
      found,
      expected: 'a complete LMDB file of format 1',
      hint: 'copy the file again',
    });
  }
}
