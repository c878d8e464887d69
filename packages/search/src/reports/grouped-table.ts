export interface GroupedTable {
  /** `YYYY-MM-DD HH:MM:SS.ffffff` */
  readonly time: string;
  readonly samples: number;
  readonly processor: string;
  /** Float type of all layers. */
  readonly mode: string;
  /** Layers that compute shapes. */
  readonly shape: readonly string[];
  /** Float type of those, where it is another. */
  readonly shapeMode?: string;
  /** Layers of a known pattern, or types that are left out. */
  readonly pattern: readonly string[];
  /** Layers that a search found, or that the user named. */
  readonly custom: readonly string[];
  /** Types of those, where they are others. */
  readonly customModes?: ReadonlyMap<string, string>;
  /** Word after `--part_quantize`; `None` without. */
  readonly partQuantMode?: string;
  /** What the pattern matcher said. */
  readonly log?: readonly string[];
}

/**
 * The quantize table of 2026 (search.md 3.2): a layer is listed once, in the group that is foremost of custom, shape and
 * pattern. The spelling is the original's.
 */
export function printGroupedTable(table: GroupedTable): string {
  const custom = [...new Set(table.custom)];
  const shape = without(table.shape, custom);
  const pattern = without(table.pattern, [...custom, ...shape]);
  const rows = (layers: readonly string[], mode = table.mode): string[] => layers.map((name) => `${name} ${mode}`);
  const lines = [
    `# generated time: ${table.time}`,
    `# sample number: ${table.samples}`,
    `# chip: ${table.processor}`,
    `# total layers: ${custom.length + shape.length + pattern.length} (unique list blow)`,
    `# number of shape layers: ${shape.length}`,
    `# number of pattern layers: ${pattern.length}`,
    `# number of custom layers: ${custom.length}`,
    `# # part_quant_mode: ${table.partQuantMode ?? 'None'}`,
    '###',
    ...((table.log ?? []).length === 0 ? [] : [...table.log!.map((line) => `# ${line}`), '###']),
    '# op_name   quantize_mode',
    '# pattern layers',
    ...rows(pattern),
    '# shape layers',
    ...rows(shape, table.shapeMode),
    ...(custom.length === 0 ? [] : ['# custom layers', ...customRows(custom, table)]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function customRows(layers: readonly string[], { mode, customModes }: GroupedTable): string[] {
  return layers.map((name) => `${name} ${customModes?.get(name) ?? mode}`);
}

function without(layers: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others);
  return [...new Set(layers)].filter((name) => !known.has(name));
}
