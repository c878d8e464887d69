import type { Emit } from '@q/ir';
import type { XquantConfig } from '../config/settings.ts';
import { logLine } from './log-line.ts';

/** Where the caller reads and writes: quantization itself gives bytes, only the log names files. */
export interface FileNames {
  readonly folder: string;
  readonly prefix: string;
  /** The folder is made for this run. */
  readonly isNewFolder?: boolean;
  /** The model, when it is not the configuration that names it. */
  readonly input?: string;
  /** The output path that was asked for. */
  readonly output?: string;
}

/** What the original says before it begins: defaults that it filled in, levels above the usual, files (spacemit.md 3.4). */
export function announce(config: XquantConfig, files: FileNames | undefined, emit: Emit): void {
  const { model, calibration, quantization } = config;
  const setting = (text: string) => logLine(emit, 'xslim_setting', text);
  const pipeline = (text: string) => logLine(emit, 'xslim_pipeline', text);
  if (files !== undefined && model.workingDir === undefined)
    setting(`Not set working_dir, deatults to ${files.folder}.`);
  if (files !== undefined && model.outputPrefix === undefined)
    setting(`Not set output_prefix, deatults to ${files.prefix}.`);
  if (calibration.type !== 'default') setting(`set calibration_type ${calibration.type}.`);
  if (quantization.precisionLevel > 0) setting('set higher precision level.');
  if (quantization.finetuneLevel > 1) setting('set higher finetune level.');
  if (files?.input !== undefined) pipeline(`using api input onnx model ${files.input}.`);
  if (files?.output !== undefined) pipeline(`using api output path ${files.output}.`);
  if (files?.isNewFolder === true) pipeline(`${files.folder} not existed and make new one.`);
}
