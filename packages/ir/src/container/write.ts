import { crc32 } from '../zip.ts';
import { CONTAINER_MAGIC, CONTAINER_VERSION, FIELD, SECTION_ALIGNMENT, TABLE_ENTRY_BYTES, TAG } from './format.ts';
import type { ModelContainer } from './model-container.ts';

/** The bytes of a container file (`format.ts` says how they are laid out). Same network, same bytes. */
export function writeContainer({ metadata, text, weights }: ModelContainer): Uint8Array {
  const encoder = new TextEncoder();
  const sections: readonly (readonly [string, Uint8Array])[] = [
    [TAG.metadata, encoder.encode(JSON.stringify(metadata))],
    [TAG.module, encoder.encode(text)],
    [TAG.weights, weights],
  ];
  let end = FIELD.table + sections.length * TABLE_ENTRY_BYTES;
  const offsets = sections.map(([, bytes]) => {
    const offset = Math.ceil(end / SECTION_ALIGNMENT) * SECTION_ALIGNMENT;
    end = offset + bytes.length;
    return offset;
  });
  const file = new Uint8Array(end);
  const view = new DataView(file.buffer);
  file.set(CONTAINER_MAGIC);
  view.setUint32(FIELD.version, CONTAINER_VERSION, true);
  view.setBigUint64(FIELD.length, BigInt(end), true);
  view.setUint32(FIELD.sections, sections.length, true);
  sections.forEach(([tag, bytes], index) => {
    const at = FIELD.table + index * TABLE_ENTRY_BYTES;
    file.set(encoder.encode(tag), at);
    view.setBigUint64(at + 8, BigInt(offsets[index]!), true);
    view.setBigUint64(at + 16, BigInt(bytes.length), true);
    file.set(bytes, offsets[index]!);
  });
  view.setUint32(FIELD.checksum, crc32(file.subarray(FIELD.length)), true);
  return file;
}
