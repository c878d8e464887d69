import type { Command } from '../command.ts';
import { fpForward } from './fp-forward.ts';
import { modelDeploy } from './model-deploy.ts';
import { modelTransform } from './model-transform.ts';
import { quantize } from './quantize.ts';
import { runCalibration } from './run-calibration.ts';

/** Every command of `q`, in the order of `q --help`: the whole flow, then the steps under their TPU-MLIR names. */
export const commands: readonly Command[] = [quantize, modelTransform, runCalibration, fpForward, modelDeploy];
