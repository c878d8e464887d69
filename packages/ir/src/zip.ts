import { deflateSync, inflateSync } from 'fflate';
import { QError } from './errors.ts';

/** One file of an archive; its bytes are inflated and checked when asked for. */
export interface ZipEntry {
  readonly name: string;
  /** Uncompressed length in bytes, as the archive states it. */
  readonly size: number;
  /** @throws QError `zip.corrupt`, `zip.unsupported` */
  read(): Uint8Array;
}

export interface ZipLimits {
  /**
   * Most uncompressed bytes that all entries together may have. Default: 256 MiB, or 64 times the archive where that is
   * more. Weights hardly compress; an archive that unpacks to more is a bomb.
   */
  readonly maxBytes?: number;
}

const SMALLEST_LIMIT = 2 ** 28;
const LARGEST_RATIO = 64;

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END64 = 0x06064b50;
const END64_LOCATOR = 0x07064b50;
const END64_BYTES = 56;
/** Deflate cannot expand more than this; an archive that claims more lies about a size. */
const BEST_RATIO = 1032;
const UTF8_NAMES = 0x0800;
const DOS_EPOCH_DATE = 0x21; // 1980-01-01: archives carry no clock, so that the same input gives the same bytes

/**
 * Lists a zip archive from its central directory (stored and deflated entries, zip64). Directories are left out.
 * Stored entries are views on `bytes`.
 *
 * @throws QError `zip.magic`, `zip.corrupt`, `zip.too-large`
 */
export function readZip(bytes: Uint8Array, where = 'zip', limits: ZipLimits = {}): ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const directory = findDirectory(view, where);
  const entries: ZipEntry[] = [];
  let at = directory.offset;
  const limit = limits.maxBytes ?? Math.max(SMALLEST_LIMIT, LARGEST_RATIO * bytes.length);
  let total = 0;
  for (let i = 0; i < directory.count; i++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== CENTRAL)
      throw corrupt(where, `directory entry ${i} is damaged`, at);
    const { record, next } = centralRecord(bytes, view, at, where);
    at = next;
    total += record.size;
    if (record.size > record.compressed * BEST_RATIO + 64) {
      throw corrupt(where, `${record.name} claims ${record.size} bytes from ${record.compressed}`, at);
    }
    if (total > limit) {
      throw new QError(`${where} unpacks to more than is allowed.`, {
        code: 'zip.too-large',
        where,
        found: `${total} bytes up to ${record.name}`,
        expected: `at most ${limit} bytes`,
      });
    }
    if (!record.name.endsWith('/')) {
      entries.push({ name: record.name, size: record.size, read: () => readEntry(bytes, view, record, where) });
    }
  }
  return entries;
}

/** Writes an archive with fixed timestamps: the same entries give the same bytes. At most 65 535 entries and 4 GiB. */
export function writeZip(
  entries: Iterable<readonly [name: string, bytes: Uint8Array]>,
  options: { compress?: boolean } = {},
): Uint8Array {
  const parts: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let offset = 0;
  for (const [name, raw] of entries) {
    const encoded = new TextEncoder().encode(name);
    const packed = options.compress ? deflateSync(raw, { level: 6 }) : raw;
    const record = {
      method: options.compress ? 8 : 0,
      crc: crc32(raw),
      compressed: packed.length,
      size: raw.length,
      name: encoded,
    };
    const local = localHeader(record);
    central.push(centralHeader(record, offset));
    parts.push(local, packed);
    offset += local.length + packed.length;
  }
  const directorySize = central.reduce((sum, part) => sum + part.length, 0);
  if (offset + directorySize > 0xffffffff || central.length > 0xffff) {
    throw new QError('The archive would need more than 4 GiB or 65535 entries.', {
      code: 'zip.too-large',
      found: `${offset + directorySize} bytes, ${central.length} entries`,
    });
  }
  return concatenate([...parts, ...central, endRecord(central.length, directorySize, offset)]);
}

interface CentralRecord {
  readonly name: string;
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  readonly compressed: number;
  readonly size: number;
  readonly offset: number;
}

function findDirectory(view: DataView, where: string): { count: number; offset: number } {
  const lowest = Math.max(0, view.byteLength - 22 - 0xffff);
  for (let at = view.byteLength - 22; at >= lowest; at--) {
    if (view.getUint32(at, true) !== END) continue;
    const locator = at - 20;
    if (locator >= 0 && view.getUint32(locator, true) === END64_LOCATOR) {
      const end64 = findEnd64(view, locator);
      if (end64 === undefined) throw corrupt(where, 'zip64 end record is damaged', locator);
      return {
        count: Number(view.getBigUint64(end64 + 32, true)),
        offset: Number(view.getBigUint64(end64 + 48, true)),
      };
    }
    return { count: view.getUint16(at + 10, true), offset: view.getUint32(at + 16, true) };
  }
  throw new QError(`${where} is not a zip archive, or its end is missing.`, {
    code: 'zip.magic',
    where,
    found: `${view.byteLength} bytes without an end-of-archive record`,
  });
}

/**
 * Where the zip64 end record is: where the locator says, else directly before the locator. TPU-MLIR's weight files need the
 * second: the locator that its writer leaves points into the central directory.
 */
function findEnd64(view: DataView, locator: number): number | undefined {
  const said = Number(view.getBigUint64(locator + 8, true));
  return [said, locator - END64_BYTES].find(
    (at) => at >= 0 && at + END64_BYTES <= locator && view.getUint32(at, true) === END64,
  );
}

function centralRecord(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  where: string,
): { record: CentralRecord; next: number } {
  const nameLength = view.getUint16(at + 28, true);
  const extraLength = view.getUint16(at + 30, true);
  const next = at + 46 + nameLength + extraLength + view.getUint16(at + 32, true);
  if (next > bytes.length) throw corrupt(where, 'the directory runs past the end', at);
  const flags = view.getUint16(at + 8, true);
  // Names without the UTF-8 flag are code page 437; ASCII is all that occurs there in practice.
  const name = new TextDecoder(flags & UTF8_NAMES ? 'utf-8' : 'latin1').decode(
    bytes.subarray(at + 46, at + 46 + nameLength),
  );
  const wide = zip64Fields(view, at + 46 + nameLength, extraLength);
  const field = (value: number) => (value === 0xffffffff ? (wide.shift() ?? value) : value);
  const size = field(view.getUint32(at + 24, true));
  const compressed = field(view.getUint32(at + 20, true));
  const offset = field(view.getUint32(at + 42, true));
  return {
    record: {
      name,
      method: view.getUint16(at + 10, true),
      flags,
      crc: view.getUint32(at + 16, true),
      compressed,
      size,
      offset,
    },
    next,
  };
}

/** The 64-bit values of the zip64 extra field, in their fixed order; present only for fields that overflowed. */
function zip64Fields(view: DataView, start: number, length: number): number[] {
  let at = start;
  while (at + 4 <= start + length) {
    const size = view.getUint16(at + 2, true);
    if (view.getUint16(at, true) === 1 && at + 4 + size <= start + length) {
      return Array.from({ length: size >> 3 }, (_, i) => Number(view.getBigUint64(at + 4 + i * 8, true)));
    }
    at += 4 + size;
  }
  return [];
}

function readEntry(bytes: Uint8Array, view: DataView, record: CentralRecord, where: string): Uint8Array {
  const { offset, name } = record;
  if (record.flags & 1 || (record.method !== 0 && record.method !== 8)) {
    throw new QError(`${where} has an entry that cannot be unpacked.`, {
      code: 'zip.unsupported',
      where: `${where}: ${name}`,
      found: record.flags & 1 ? 'encryption' : `compression method ${record.method}`,
      expected: 'stored or deflated, not encrypted',
    });
  }
  if (offset + 30 > bytes.length || view.getUint32(offset, true) !== LOCAL)
    throw corrupt(where, `${name} has no local header`, offset);
  const start = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  if (start + record.compressed > bytes.length) throw corrupt(where, `${name} is cut off`, start);
  const packed = bytes.subarray(start, start + record.compressed);
  const data = record.method === 0 ? packed : inflate(packed, record, where);
  if (data.length !== record.size || crc32(data) !== record.crc)
    throw corrupt(where, `${name} fails its checksum`, start);
  return data;
}

function inflate(packed: Uint8Array, record: CentralRecord, where: string): Uint8Array {
  try {
    return inflateSync(packed, { out: new Uint8Array(record.size) });
  } catch (cause) {
    throw corrupt(where, `${record.name} is not valid deflate data`, record.offset, cause);
  }
}

function corrupt(where: string, found: string, offset: number, cause?: unknown): QError {
  return new QError(
    `${where} is a damaged zip archive: ${found}.`,
    { code: 'zip.corrupt', where: `${where}, byte ${offset}`, found },
    { cause },
  );
}

interface WriteRecord {
  readonly method: number;
  readonly crc: number;
  readonly compressed: number;
  readonly size: number;
  readonly name: Uint8Array;
}

function localHeader(record: WriteRecord): Uint8Array {
  const out = new Uint8Array(30 + record.name.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, LOCAL, true);
  commonFields(view, 4, record);
  out.set(record.name, 30);
  return out;
}

function centralHeader(record: WriteRecord, offset: number): Uint8Array {
  const out = new Uint8Array(46 + record.name.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, CENTRAL, true);
  view.setUint16(4, 20, true);
  commonFields(view, 6, record);
  view.setUint32(42, offset, true);
  out.set(record.name, 46);
  return out;
}

/** Version, flags, method, time, date, checksum, sizes, name length: the same run in both kinds of header. */
function commonFields(view: DataView, at: number, record: WriteRecord): void {
  view.setUint16(at, 20, true);
  view.setUint16(at + 2, record.name.some((byte) => byte > 127) ? UTF8_NAMES : 0, true);
  view.setUint16(at + 4, record.method, true);
  view.setUint16(at + 8, DOS_EPOCH_DATE, true);
  view.setUint32(at + 10, record.crc, true);
  view.setUint32(at + 14, record.compressed, true);
  view.setUint32(at + 18, record.size, true);
  view.setUint16(at + 22, record.name.length, true);
}

function endRecord(count: number, size: number, offset: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(22));
  view.setUint32(0, END, true);
  view.setUint16(8, count, true);
  view.setUint16(10, count, true);
  view.setUint32(12, size, true);
  view.setUint32(16, offset, true);
  return new Uint8Array(view.buffer);
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc >>> 0;
});

/** CRC-32 as zip and PNG use it (polynomial 0xEDB88320, reflected). */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = CRC_TABLE[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
