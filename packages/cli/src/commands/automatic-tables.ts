import { dirname, join } from 'node:path';
import { layersOutside, patternLayers, quantizedTypes, shapeLayers } from '@q/calib';
import { type Graph, type Precision, printQuantizeTable, QError, type QuantizeMode, quantizeHeader } from '@q/ir';
import { newerPatternLayers, type PatternLayers, patternLines, printGroupedTable } from '@q/search';
import type { Arguments } from '../arguments/arguments.ts';
import { writeFileWhole } from '../files/output-files.ts';
import { generationTime } from '../generation-time.ts';
import { hasFloatType } from '../processors.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Where the quantize tables of layers that must stay float go, and what they say. */
export interface AutomaticTables {
  readonly graph: Graph;
  readonly args: Arguments;
  readonly floatType: Precision;
  readonly terminal: Terminal;
}

/** `<module>_shape_ops` in the working directory, also when it lists nothing (calibration.md 9). */
export function writeShapeTable({ graph, args, floatType }: AutomaticTables): void {
  writeFileWhole(`${graph.name}_shape_ops`, tableOf(shapeLayers(graph), args.string('processor'), floatType));
}

/** `qtable` beside the calibration table, for known transformer blocks or by `--part_quantize` (calibration.md 2.1). */
export function writePatternTable({ graph, args, floatType, terminal }: AutomaticTables): void {
  const matched = patternLayers(graph)?.layers;
  const layers = matched ?? partialLayers(graph, args);
  if (layers === undefined) return;
  const path = beside(args.string('calibration_table'), 'qtable');
  terminal.print(`The qtable has been generated in: ${path} !!!`);
  const text = tableOf(layers, args.string('processor'), floatType);
  // The original names the flag when types were given with it.
  const isPartial = matched === undefined && args.words('part_quantize').length > 0;
  writeFileWhole(path, isPartial ? text.replace('###\n', '# part_quantize \n###\n') : text);
}

/** The one table of 2026: shape layers, pattern layers and chosen types (calibration.md 2.2, search.md 3.2). */
export function writeMergedTable({ graph, args, floatType }: AutomaticTables, samples: number): void {
  const table = args.string('calibration_table');
  const named = args.optionalString('quantize_table') ?? 'shape_pattern_qtable';
  const path = table.includes('/') && !named.includes('/') ? beside(table, named) : named;
  const custom = args.words('part_quantize')[0] === 'custom_mode' ? (partialLayers(graph, args) ?? []) : [];
  const match = newerPatternLayers(graph);
  const shape = [...shapeLayers(graph, '2026'), ...(match?.shape ?? [])];
  const matched = match?.layers ?? (custom.length > 0 ? [] : (partialLayers(graph, args) ?? []));
  const text = printGroupedTable({
    time: generationTime(),
    samples,
    processor: args.string('processor'),
    mode: floatType,
    ...shapeModeOf(match, args.string('processor')),
    shape,
    pattern: matched,
    custom,
    partQuantMode: args.words('part_quantize')[0] ?? 'None',
    log: match === undefined ? [] : patternLines(match),
  });
  writeFileWhole(path, text);
}

/**
 * A mode that names operators is nothing without them (calibration.md 1.1).
 *
 * @throws QError `cli.missing-flag`
 */
export function checkPartQuantize(args: Arguments): void {
  if (args.words('part_quantize')[0] !== 'custom_mode' || args.list('custom_operator').length > 0) return;
  throw new QError('--part_quantize custom_mode needs --custom_operator', {
    code: 'cli.missing-flag',
    where: '--custom_operator',
    expected: 'the operator types to quantize, as in Conv,MatMul',
  });
}

/** Behind the heads of YOLO26 layers are in F32, where the processor has it. */
export function shapeModeOf(match: PatternLayers | undefined, processor: string): { readonly shapeMode?: Precision } {
  return match?.shape !== undefined && hasFloatType(processor, 'F32') ? { shapeMode: 'F32' } : {};
}

/** Layers that `--part_quantize` leaves in float; undefined without the flag. */
function partialLayers(graph: Graph, args: Arguments): string[] | undefined {
  if (!args.given('part_quantize')) return undefined;
  return layersOutside(graph, quantizedTypes(args.words('part_quantize'), args.list('custom_operator')));
}

function tableOf(layers: readonly string[], processor: string, floatType: Precision): string {
  const header = quantizeHeader({ time: generationTime(), processor, mode: floatType, layers: layers.length });
  const rows = new Map(layers.map((name) => [name, { mode: floatType as QuantizeMode }]));
  return printQuantizeTable({ header, rows, comments: new Map(), warnings: [] });
}

function beside(table: string, name: string): string {
  return table.includes('/') ? join(dirname(table), name) : name;
}
