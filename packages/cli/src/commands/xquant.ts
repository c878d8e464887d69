import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { outputNames, parseConfig, quantizeOnnxModel, type XquantResult } from '@q/backend-spacemit/xquant';
import { type Emit, QError } from '@q/ir';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { readInputFile, readInputText } from '../files/input-files.ts';
import { writeFilesWhole } from '../files/output-files.ts';
import { externalDataOf, fileSources, isFile, isFolder } from '../files/xquant-files.ts';
import { generationTime } from '../generation-time.ts';
import type { Terminal } from '../terminal/terminal.ts';

function declare(parser: ArgumentParser): void {
  parser.add_argument('-c', '--config', { default: '', help: 'XQuant configuration: JSON, comments are allowed' });
  parser.add_argument('-i', '--input_path', '--input', {
    default: '',
    help: 'float .onnx model (default: onnx_model of the configuration)',
  });
  parser.add_argument('-o', '--output_path', '--output', { default: '', help: 'folder, or .onnx file, to write' });
  parser.add_argument('--fp16', { action: 'store_true', help: 'without a configuration: convert to FP16' });
  parser.add_argument('--dynq', { action: 'store_true', help: 'without a configuration: dynamic quantization' });
  parser.add_argument('--ignore_op_types', { default: '', help: 'ONNX operator types to keep float, comma separated' });
  parser.add_argument('--ignore_op_names', { default: '', help: 'node names to keep float, comma separated' });
  parser.add_argument('--opset', { default: '', help: 'version of the standard operator set to write' });
  parser.add_argument('--seed', { default: '', help: 'seed of everything random (default: 0)' });
}

async function run(args: Arguments, terminal: Terminal): Promise<number> {
  const configPath = args.optionalString('config');
  const modelFlag = args.optionalString('input_path');
  const outputPath = args.optionalString('output_path');
  if (configPath === undefined && (modelFlag === undefined || outputPath === undefined)) {
    throw new QError('q xquant takes --config, or --input and --output', {
      code: 'cli.missing-flag',
      where: '--config',
      expected: 'an XQuant configuration',
      hint: 'without a configuration the model is simplified, --dynq and --fp16 do more',
    });
  }
  const source = configPath === undefined ? bareConfig(args) : readInputText(configPath, '--config');
  // Read once without complaints: only the names in it are needed here.
  const config = parseConfig(source);
  const modelPath = modelFlag ?? config.model.onnxModel;
  if (modelPath === undefined || !isFile(modelPath)) {
    throw new QError('input_onnx_model_or_path set error.', {
      code: 'xquant.model.missing',
      where: modelFlag === undefined ? 'model_parameters.onnx_model' : '--input',
      found: modelPath ?? 'nothing',
      expected: 'an existing .onnx file',
    });
  }
  const { folder = './temp', prefix } = outputNames(config, {
    ...(modelFlag === undefined ? {} : { modelPath: modelFlag }),
    ...(outputPath === undefined ? {} : { outputPath, outputIsFolder: isFolder(outputPath) }),
  });
  const result = await quantizeOnnxModel(source, readInputFile(modelPath, '--input'), {
    overrides: overridesOf(args),
    sources: fileSources,
    externalData: externalDataOf(modelPath),
    where: modelPath,
    files: {
      folder,
      prefix,
      isNewFolder: !isFolder(folder),
      ...(modelFlag === undefined ? {} : { input: modelFlag }),
      ...(outputPath === undefined ? {} : { output: outputPath }),
    },
    workers: Math.min(MOST_WORKERS, availableParallelism()),
    emit: logTo(terminal),
  });
  const files = outputFiles(result, join(folder, prefix));
  writeFilesWhole(files);
  for (const { path } of files) terminal.print(path);
  printSummary(result, terminal);
  return exitStatus.ok;
}

/** The search of ranges is short: more workers would start for nothing. */
const MOST_WORKERS = 4;

/** Lines of the original's log carry the time, and stay out of the way of results. */
function logTo(terminal: Terminal): Emit {
  return (event) => {
    if (event.type === 'line') terminal.warn(`${logTime()} | ${event.text}`);
    else terminal.emit(event);
  };
}

/** `YYYY-MM-DD HH:mm:ss`, local time. */
function logTime(): string {
  const now = new Date();
  const local = new Date(now.getTime() - 60_000 * now.getTimezoneOffset());
  return local.toISOString().slice(0, 19).replace('T', ' ');
}

/** What the flags mean without a configuration: FP16 wins over dynamic, neither means simplification (spacemit.md 3.1). */
function bareConfig(args: Arguments): string {
  return JSON.stringify({
    quantization_parameters: {
      precision_level: args.flag('fp16') ? 4 : args.flag('dynq') ? 3 : 100,
      ignore_op_types: args.list('ignore_op_types'),
      ignore_op_names: args.list('ignore_op_names'),
    },
  });
}

/** What flags change in the configuration, and the time of the export. */
function overridesOf(args: Arguments) {
  const [opset, seed] = [args.optionalString('opset'), args.optionalString('seed')];
  return {
    exportTime: exportTime(),
    ...(opset === undefined ? {} : { opset: wholeNumber('opset', opset) }),
    ...(seed === undefined ? {} : { seed: wholeNumber('seed', seed) }),
  };
}

function wholeNumber(flag: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new QError(`--${flag} is ${text}; a whole number is expected`, {
    code: 'cli.bad-flag-value',
    where: `--${flag}`,
    found: text,
    expected: 'a whole number',
  });
}

/** `YYYY-MM-DD-HH:MM:SS`, of SOURCE_DATE_EPOCH when that is set. */
function exportTime(): string {
  return generationTime().slice(0, 19).replace(' ', '-');
}

function outputFiles(result: XquantResult, stem: string): { path: string; bytes: Uint8Array | string }[] {
  const report = result.report;
  return [
    ...(result.data === undefined ? [] : [{ path: `${stem}.onnx.data`, bytes: result.data }]),
    { path: `${stem}.onnx`, bytes: result.model },
    ...(report === undefined
      ? []
      : [
          { path: `${stem}_report.md`, bytes: report.markdown },
          { path: `${stem}_report.json`, bytes: report.json },
        ]),
  ];
}

function printSummary({ summary, report }: XquantResult, terminal: Terminal): void {
  if (report === undefined) return;
  terminal.print(`${summary.quantizedOps} of ${summary.totalOps} operators run in INT8`);
  for (const { tensor, snr, cosine } of summary.outputErrors)
    terminal.print(`output ${tensor}: SNR ${snr.toFixed(4)}, cosine ${cosine.toFixed(6)}`);
  const title = summary.layersToBlame.length > 0 ? 'layers to blame' : "largest contributors to the outputs' noise";
  if (summary.contributors.length > 0)
    terminal.print(`${title}: ${summary.contributors.map(({ layer }) => layer).join(', ')}`);
}

export const xquant: CommandBody = { declare, run };
