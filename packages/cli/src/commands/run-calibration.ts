import { dirname, join } from 'node:path';
import {
  type Calibration,
  type CalibrationOptions,
  type Choice,
  calibrate,
  correctSoftmax,
  equalizeWeights,
  equalizeWithinLimits,
  examine,
  printKurtosis,
  rememberSamples,
  smoothActivations,
} from '@q/calib';
import type { Dataset } from '@q/dataset';
import {
  type CalibrationTable,
  calibrationTableFor,
  type Graph,
  parseCalibrationTable,
  printCalibrationTable,
  QError,
} from '@q/ir';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { openSamples } from '../files/dataset-files.ts';
import { readInputText } from '../files/input-files.ts';
import { loadMlir } from '../files/model-files.ts';
import { writeFileWhole } from '../files/output-files.ts';
import { generationTime } from '../generation-time.ts';
import { floatTypeFor } from '../processors.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { bannerLine, compatibleVersion } from '../version.ts';
import {
  type AutomaticTables,
  checkPartQuantize,
  writeMergedTable,
  writePatternTable,
  writeShapeTable,
} from './automatic-tables.ts';
import { readCalibrationOptions } from './calibration-flags.ts';
import { fedGraph } from './calibration-inputs.ts';
import { writeChangedModel } from './calibration-model.ts';
import { readStatisticsFile, type StatisticsFile, writeStatisticsFile } from './calibration-statistics.ts';
import { mixModeOf } from './mix-mode.ts';
import { runBiasCorrection } from './run-calibration-bias.ts';
import { type DebugCommand, readDebugCommand } from './run-calibration-debug.ts';
import { declareRunCalibrationFlags } from './run-calibration-flags.ts';
import { fourBitSearchTables } from './run-calibration-four-bit-search.ts';
import { fastSearchTable, mixSearchTable, screenedSearchTables } from './run-calibration-newer-search.ts';
import { type CalibrationSearch, searchQtableTables, searchThresholdTables } from './run-calibration-search.ts';
import { checkSearchFlags } from './search-flags-check.ts';
import { StepLog } from './step-log.ts';

async function run(args: Arguments, terminal: Terminal): Promise<number> {
  terminal.print(bannerLine);
  checkSearchFlags(args);
  checkPartQuantize(args);
  const debug = readDebugCommand(args.optionalString('debug_cmd') ?? '');
  for (const note of debug.notes) terminal.warn(`warning: ${note}`);
  const run = await CalibrationRun.open(args, terminal, debug);
  return run.run();
}

/** Searches that end with a quantize table, and that nothing follows. */
const QTABLE_SEARCHES: ReadonlyMap<string, (search: CalibrationSearch) => Promise<number>> = new Map([
  ['fast_search', fastSearchTable],
  ['mix_search', mixSearchTable],
]);

/** Samples that are read before the calibration, and again by it. */
const EXAMINED = 16;

/** One run of the command: the steps of calibration.md 2.1 and 2.2 in their order. */
class CalibrationRun {
  readonly #args: Arguments;
  readonly #terminal: Terminal;
  readonly #debug: DebugCommand;
  readonly #path: string;
  readonly #samples: Dataset;
  readonly #tuneSamples: Dataset | undefined;
  readonly #statistics: StatisticsFile;
  #graph: Graph;
  /** Ranges of layers that a correction has inserted. */
  #fixed: ReadonlyMap<string, Choice> = new Map();

  private constructor(
    { args, terminal, debug }: { args: Arguments; terminal: Terminal; debug: DebugCommand },
    { graph, samples, tuneSamples }: { graph: Graph; samples: Dataset; tuneSamples: Dataset | undefined },
  ) {
    this.#args = args;
    this.#terminal = terminal;
    this.#debug = debug;
    this.#path = args.string('mlir_file');
    this.#graph = graph;
    this.#samples = samples;
    this.#tuneSamples = tuneSamples;
    this.#statistics = readStatisticsFile(args);
  }

  static async open(args: Arguments, terminal: Terminal, debug: DebugCommand): Promise<CalibrationRun> {
    const graph = loadMlir(args.string('mlir_file'), 'mlir_file');
    const { graph: fed, warnings } = fedGraph(graph, args);
    for (const warning of warnings) terminal.warn(`warning: --cali_image_preprocess: ${warning}`);
    const hook = args.optionalString('preprocess_hook');
    const samples = await openSamples(fed, {
      dataset: args.optionalString('dataset'),
      dataList: args.optionalString('data_list'),
      inputNum: args.integer('input_num'),
      hook,
    });
    const tuneList = args.optionalString('tune_list');
    // At most --tune_num entries of the list are kept (calibration.md 1.3).
    const inputNum = args.integer('tune_num');
    const tuneSamples =
      tuneList === undefined
        ? undefined
        : await openSamples(fed, { dataList: tuneList, inputNum, hook, listFlag: '--tune_list' });
    return new CalibrationRun(
      { args, terminal, debug },
      { graph, samples: rememberSamples(samples, { count: EXAMINED }), tuneSamples },
    );
  }

  async run(): Promise<number> {
    const args = this.#args;
    const newest = args.string('profile') === '2026';
    if (this.#debug.dumpList) this.#dumpLists();
    if (!args.flag('no_doctor')) await this.#warnOfMistakes();
    if (newest) writeMergedTable(this.#tables(), this.#samples.length);
    else writeShapeTable(this.#tables());
    const search = args.string('search');
    const qtableSearch = this.#qtableSearch(search);
    if (qtableSearch !== undefined) return qtableSearch(this.#search());
    if (args.flag('sq')) await this.#smooth();
    if (args.flag('smc')) await this.#correctSoftmax();
    if (args.flag('we')) await this.#equalize();
    const findTable = async (): Promise<CalibrationTable> =>
      search === 'search_threshold' ? searchThresholdTables(this.#search()) : (await this.#calibrate()).table;
    const table = await findTable();
    if (args.flag('bc')) {
      const corrected = await runBiasCorrection(args, this.#terminal, {
        graph: this.#graph,
        table: parseCalibrationTable(printCalibrationTable(table)),
        debug: this.#debug.debugLog || args.flag('debug_log'),
      });
      // The original ends here, with the table that is there.
      if (corrected.alreadyReached) return exitStatus.ok;
      this.#graph = corrected.graph;
      this.#writeModel(false);
      await findTable();
    }
    if (!newest) writePatternTable(this.#tables());
    this.#terminal.print(`calibration table written to ${args.string('calibration_table')}`);
    return exitStatus.ok;
  }

  async #warnOfMistakes(): Promise<void> {
    const perTensorWeights = this.#args.string('processor') === 'bm1684';
    const findings = await examine({ graph: this.#graph, dataset: this.#samples, perTensorWeights });
    for (const { code, where, message, hint } of findings) {
      this.#terminal.emit({ type: 'warning', code, where, message: `${message} (${hint})` });
    }
  }

  async #smooth(): Promise<void> {
    const log = new StepLog('SmoothQuant');
    const { length: sampleCount } = this.#samples;
    const emit = log.listen(this.#terminal.emit);
    const found = await smoothActivations({ graph: this.#graph, dataset: this.#samples, sampleCount, emit });
    log.write();
    this.#graph = found.graph;
    if (found.smoothed.size > 0) this.#writeModel(found.rewritten);
  }

  async #correctSoftmax(): Promise<void> {
    const log = new StepLog('Softmax_Correction');
    const { length: sampleCount } = this.#samples;
    const emit = log.listen(this.#terminal.emit);
    const found = await correctSoftmax({ graph: this.#graph, dataset: this.#samples, sampleCount, emit });
    log.write();
    this.#graph = found.graph;
    this.#fixed = found.fixed;
    if (found.corrected.length > 0) this.#writeModel(true);
  }

  async #equalize(): Promise<void> {
    const log = new StepLog('Weight_Equalization');
    const [graph, dataset] = [this.#graph, this.#samples];
    const emit = log.listen(this.#terminal.emit);
    this.#graph =
      this.#args.string('we_limits') === 'respect'
        ? await equalizeWithinLimits({ graph, dataset, sampleCount: dataset.length, emit })
        : equalizeWeights(graph, emit);
    log.write();
    this.#writeModel(false);
  }

  #qtableSearch(search: string): ((search: CalibrationSearch) => Promise<number>) | undefined {
    if (search !== 'search_qtable') return QTABLE_SEARCHES.get(search);
    if (mixModeOf(this.#args).fourBits !== undefined) return fourBitSearchTables;
    return this.#args.string('profile') === '2026' ? screenedSearchTables : searchQtableTables;
  }

  #search(): CalibrationSearch {
    const [args, terminal, mlirFile] = [this.#args, this.#terminal, this.#path];
    return { args, terminal, mlirFile, graph: this.#graph, samples: this.#samples, options: this.#options() };
  }

  async #calibrate(): Promise<Calibration> {
    const args = this.#args;
    const calibration = await calibrate(this.#graph, this.#samples, this.#options());
    const target = args.string('calibration_table');
    writeFileWhole(target, printCalibrationTable(calibration.table));
    if (calibration.kurtosis !== undefined) {
      const path = target.includes('/') ? join(dirname(target), 'kurtosis_analysis') : 'kurtosis_analysis';
      writeFileWhole(path, printKurtosis(calibration.kurtosis));
    }
    writeStatisticsFile(this.#statistics, calibration.statistics);
    return calibration;
  }

  #options(): CalibrationOptions {
    const args = this.#args;
    const { method, int4, fp8, tuner, inputTable } = this.#debug;
    const tuneSamples = this.#tuneSamples;
    const { loaded, target } = this.#statistics;
    return {
      ...readCalibrationOptions(args),
      ...(method === undefined ? {} : { method }),
      ...(tuneSamples === undefined ? {} : { tuneDataset: tuneSamples, tuneNum: tuneSamples.length }),
      int4: int4 || mixModeOf(args).fourBits === 'INT4',
      fp8,
      tuner,
      fixed: this.#fixed,
      partAsymmetric: args.flag('part_asymmetric'),
      kurtosis: args.flag('kurtosis_analysis'),
      ...(inputTable === undefined ? {} : { startTable: readStartTable(inputTable, args, this.#graph) }),
      ...(loaded === undefined ? {} : { statistics: loaded }),
      keepStatistics: target !== undefined && loaded === undefined,
      header: { time: generationTime(), version: compatibleVersion, mlirFile: this.#path },
      emit: this.#terminal.emit,
    };
  }

  #tables(): AutomaticTables {
    const args = this.#args;
    const floatType = floatTypeFor(args.string('processor'), args.string('fp_type'));
    return { graph: this.#graph, args, floatType, terminal: this.#terminal };
  }

  #writeModel(rewritten: boolean): void {
    const target = this.#args.optionalString('changed_mlir');
    const path = writeChangedModel(this.#graph, { path: this.#path, target, rewritten });
    this.#terminal.print(`changed weights written to ${path}`);
  }

  #dumpLists(): void {
    writeFileWhole('selected_image_list.txt', listOf(this.#samples));
    if (this.#tuneSamples !== undefined) writeFileWhole('selected_tune_image_list.txt', listOf(this.#tuneSamples));
  }
}

function readStartTable(path: string, args: Arguments, graph: Graph): CalibrationTable {
  if (args.integer('tune_num') === 0) {
    throw new QError('--debug_cmd input_calibration_table needs --tune_num above 0: all it does is tune', {
      code: 'cli.bad-flag-value',
      where: '--tune_num',
      found: '0',
      expected: 'a whole number >= 1',
    });
  }
  const table = parseCalibrationTable(readInputText(path, '--debug_cmd input_calibration_table'), path);
  return calibrationTableFor(graph, table);
}

function listOf(samples: Dataset): string {
  return Array.from({ length: samples.length }, (_, i) => `${samples.files(i).join(',')}\n`).join('');
}

export const runCalibration: CommandBody = { declare: declareRunCalibrationFlags, run };
