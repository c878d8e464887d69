import { type CalibrationTable, type Plan, printCalibrationTable } from '@q/ir';
import { type FourBitOutcome, fourBitSearchReport, searchFourBits } from '@q/search';
import { exitStatus } from '../command.ts';
import { writeFilesWhole } from '../files/output-files.ts';
import { mixModeOf } from './mix-mode.ts';
import { readDebugCommand } from './run-calibration-debug.ts';
import { existingTable, prepareNewerSearch, tableText, withFixedLayers } from './run-calibration-newer-search.ts';
import type { CalibrationSearch } from './run-calibration-search.ts';
import { SEARCH_LOG } from './run-calibration-search.ts';
import { closing, readEffort } from './search-effort.ts';
import { SearchLog } from './search-log.ts';
import { lossReasons, planFile } from './search-plan.ts';

/**
 * `--search search_qtable --mix_mode wi4ai4_wi8ai8` or `wi4ai8_wi8ai8` (search.md 6); answers the exit status. The quantize table names
 * every layer that was a candidate, so that it can be deployed on INT8 as well as on four bits.
 */
export async function fourBitSearchTables(search: CalibrationSearch): Promise<number> {
  const { args, terminal, graph } = search;
  const { fourBits: precision } = mixModeOf(args);
  if (precision === undefined) throw new RangeError('a search with four bits');
  const table = existingTable(search);
  const { options, fixed, facts } = await prepareNewerSearch(search, SEARCH_LOG);
  const log = new SearchLog(terminal, SEARCH_LOG);
  const effort = readEffort(args, terminal);
  const { rows: values, sections } = table;
  const { clusterOneByOne: isOneByOne } = readDebugCommand(args.optionalString('debug_cmd') ?? '');
  const own = { values, sections, precision, isOneByOne };
  const outcome = await closing(effort, searchFourBits({ ...options, ...effort.options, ...own }));
  const { int8Layers, fourBitLayers } = outcome;
  const modes = new Map<string, string>([
    ...int8Layers.map((name) => [name, 'INT8'] as const),
    ...fourBitLayers.map((name) => [name, precision] as const),
  ]);
  const custom = graph.ops.map(({ name }) => name).filter((name) => modes.has(name));
  const searched = { mode: options.floatType, custom, customModes: modes, samples: search.samples.length };
  writeFilesWhole([
    { path: facts.quantizeTable, bytes: tableText(args, fixed, searched) },
    ...(precision === 'INT4' ? [{ path: args.string('calibration_table'), bytes: listed(table, outcome) }] : []),
    planFile(args, { graph, plan: withFixedLayers(planOf(outcome), fixed, args) }),
  ]);
  log.write([...fourBitSearchReport(outcome, { ...facts, precision }), log.timeLine()]);
  return exitStatus.ok;
}

/** The calibration table with the layers that run in INT4. */
function listed(table: CalibrationTable, { fourBitLayers: int4Ops }: FourBitOutcome): string {
  return printCalibrationTable({ ...table, sections: { ...table.sections, int4Ops } });
}

/** The plan with what each candidate costs in four bits. */
function planOf({ plan, losses }: FourBitOutcome): Plan {
  const reasons = lossReasons(losses.map(({ layer, cosine }) => [layer, cosine]));
  const ops = [...plan.ops].map(([name, op]) => [name, { ...op, reason: reasons.get(name) ?? op.reason }] as const);
  return { ...plan, ops: new Map(ops) };
}
