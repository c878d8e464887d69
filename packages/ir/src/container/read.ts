import { type Issue, QError } from '../errors.ts';
import { crc32 } from '../zip.ts';
import { CONTAINER_MAGIC, CONTAINER_VERSION, FIELD, MOST_SECTIONS, TABLE_ENTRY_BYTES, TAG } from './format.ts';
import type { ContainerMetadata, ContainerTensor, ModelContainer } from './model-container.ts';

/** True for the first bytes of a container file, whatever its name. */
export function isContainer(bytes: Uint8Array): boolean {
  return bytes.length >= CONTAINER_MAGIC.length && CONTAINER_MAGIC.every((byte, at) => bytes[at] === byte);
}

/**
 * Reads a container file. The checksum is verified before anything else is believed; `weights` is a view on `bytes`.
 *
 * @throws QError `container.magic`, `container.version`, `container.truncated`, `container.checksum`, `container.corrupt`
 */
export function readContainer(bytes: Uint8Array, where = 'model'): ModelContainer {
  checkEnvelope(bytes, where);
  const sections = sectionsOf(bytes, where);
  const section = (tag: string): Uint8Array => {
    const found = sections.get(tag);
    if (found === undefined) throw corrupt(where, `no section ${tag}`);
    return found;
  };
  return {
    metadata: metadataOf(textOf(section(TAG.metadata), `${where}, ${TAG.metadata}`), where),
    text: textOf(section(TAG.module), `${where}, ${TAG.module}`),
    weights: section(TAG.weights),
  };
}

function checkEnvelope(bytes: Uint8Array, where: string): void {
  if (!isContainer(bytes)) {
    throw failure(`${where} is not a model container.`, {
      code: 'container.magic',
      where,
      found: [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ') || 'an empty file',
      expected: 'a file that model_deploy --model wrote',
    });
  }
  if (bytes.length < FIELD.table) throw truncated(where, bytes.length, `at least ${FIELD.table}`);
  const view = viewOf(bytes);
  const version = view.getUint32(FIELD.version, true);
  if (version !== CONTAINER_VERSION) {
    throw failure(`${where} has version ${version} of the container, which this program cannot read.`, {
      code: 'container.version',
      where,
      found: String(version),
      expected: String(CONTAINER_VERSION),
    });
  }
  const length = view.getBigUint64(FIELD.length, true);
  if (length !== BigInt(bytes.length)) throw truncated(where, bytes.length, String(length));
  const [stated, actual] = [view.getUint32(FIELD.checksum, true), crc32(bytes.subarray(FIELD.length))];
  if (stated !== actual) {
    throw failure(`${where} is damaged: its checksum does not fit.`, {
      code: 'container.checksum',
      where,
      found: actual.toString(16),
      expected: stated.toString(16),
      hint: 'copy the file again, or deploy again',
    });
  }
}

function sectionsOf(bytes: Uint8Array, where: string): Map<string, Uint8Array> {
  const view = viewOf(bytes);
  const count = view.getUint32(FIELD.sections, true);
  const tableEnd = FIELD.table + count * TABLE_ENTRY_BYTES;
  if (count > MOST_SECTIONS || tableEnd > bytes.length) throw corrupt(where, `${count} sections`);
  const sections = new Map<string, Uint8Array>();
  for (let at = FIELD.table; at < tableEnd; at += TABLE_ENTRY_BYTES) {
    const tag = String.fromCharCode(...bytes.subarray(at, at + 4));
    const [offset, length] = [view.getBigUint64(at + 8, true), view.getBigUint64(at + 16, true)];
    if (offset < BigInt(tableEnd) || offset + length > BigInt(bytes.length)) {
      throw corrupt(where, `section ${JSON.stringify(tag)} lies outside the file`);
    }
    if (sections.has(tag)) throw corrupt(where, `two sections ${JSON.stringify(tag)}`);
    sections.set(tag, bytes.subarray(Number(offset), Number(offset + length)));
  }
  return sections;
}

function textOf(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw corrupt(where, 'bytes that are no UTF-8 text');
  }
}

function metadataOf(text: string, where: string): ContainerMetadata {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw corrupt(`${where}, ${TAG.metadata}`, 'text that is no JSON');
  }
  if (!isMetadata(parsed)) throw corrupt(`${where}, ${TAG.metadata}`, 'fields that are missing or of another type');
  return parsed;
}

function isMetadata(value: unknown): value is ContainerMetadata {
  if (typeof value !== 'object' || value === null) return false;
  const fields = value as Record<string, unknown>;
  const texts = ['name', 'processor', 'precision', 'note'].every((key) => typeof fields[key] === 'string');
  const tensors = ['inputs', 'outputs'].every((key) => Array.isArray(fields[key]) && fields[key].every(isTensor));
  return texts && tensors && typeof fields.asymmetric === 'boolean';
}

function isTensor(value: unknown): value is ContainerTensor {
  if (typeof value !== 'object' || value === null) return false;
  const { name, shape, dtype } = value as Record<string, unknown>;
  return (
    typeof name === 'string' &&
    typeof dtype === 'string' &&
    Array.isArray(shape) &&
    shape.every((dim) => typeof dim === 'number')
  );
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function failure(message: string, issue: Issue): QError {
  return new QError(message, issue);
}

function truncated(where: string, found: number, expected: string): QError {
  return failure(`${where} has ${found} bytes, ${expected} are expected.`, {
    code: 'container.truncated',
    where,
    found: `${found} bytes`,
    expected: `${expected} bytes`,
    hint: 'copy the file again, or deploy again',
  });
}

function corrupt(where: string, found: string): QError {
  return failure(`${where} is a damaged model container: ${found}.`, { code: 'container.corrupt', where, found });
}
