/**
 * The file that `model_deploy --model` writes: a lowered network for simulation and hand-over. It holds no instructions
 * of any chip. Little-endian throughout:
 *
 * | offset | bytes | what |
 * | --- | --- | --- |
 * | 0 | 8 | magic `\x89QMODEL\n`: a byte over 127 and a line end, so that text transfers are noticed |
 * | 8 | 4 | version of this layout, 1 |
 * | 12 | 4 | CRC-32 (IEEE) of everything from offset 16 to the end |
 * | 16 | 8 | length of the whole file |
 * | 24 | 4 | number of sections |
 * | 28 | 4 | zero |
 * | 32 | 24 each | sections: tag of 4 ASCII letters, zero (4 bytes), offset (8), length (8) |
 *
 * Sections start at multiples of 64 and do not overlap; the gaps are zero. Three are required: `META` (JSON, UTF-8),
 * `MLIR` (the module's text, UTF-8) and `WGHT` (its weights, an npz archive). Readers skip tags that they do not know.
 */
export const CONTAINER_MAGIC: readonly number[] = [0x89, 0x51, 0x4d, 0x4f, 0x44, 0x45, 0x4c, 0x0a];
export const CONTAINER_VERSION = 1;

/** Where the fields of the fixed part are. */
export const FIELD = { version: 8, checksum: 12, length: 16, sections: 24, table: 32 } as const;
export const TABLE_ENTRY_BYTES = 24;
export const SECTION_ALIGNMENT = 64;
export const TAG = { metadata: 'META', module: 'MLIR', weights: 'WGHT' } as const;

/** More sections than any version will have: a larger number is damage, not a file. */
export const MOST_SECTIONS = 64;
