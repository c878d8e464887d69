import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { processorNames } from '../processors.ts';
import { declarePlanFlag } from './search-plan.ts';

/** Flags that run_qtable and run_sensitive_layer share (cli.md 5.2). */
export function declareTableSearchFlags(parser: ArgumentParser): void {
  parser.add_argument('mlir_file', { help: 'Top .mlir of model_transform' });
  parser.add_argument('--dataset', { default: '', help: 'folder of samples (images, npy, npz), or a .zip of one' });
  parser.add_argument('--data_list', { default: '', help: 'text file with one sample per line; wins over --dataset' });
  parser.add_argument('--input_num', { type: 'int', default: 10, help: 'number of samples (default: 10)' });
  parser.add_argument('--expected_cos', {
    type: 'float',
    default: 0.99,
    help: 'likeness of the outputs, (1 + cosine) / 2, that suffices (default: 0.99)',
  });
  parser.add_argument('--global_compare_layers', {
    default: '',
    help: 'layers whose likeness counts instead of the outputs: a,b or a:0.3,b:0.7',
  });
  parser.add_argument('--calibration_table', { required: true, help: 'table of run_calibration' });
  parser.add_argument('--processor', '--chip', {
    required: true,
    // The original lowers the case in run_qtable only.
    type: lowerCase,
    choices: [...processorNames],
    help: 'target processor',
  });
  parser.add_argument('--fp_type', {
    default: 'auto',
    choices: ['auto', 'F16', 'F32', 'BF16'],
    help: 'float type of the mixed layers (default: auto)',
  });
  parser.add_argument('--debug_cmd', { default: '', help: 'developer switches: key;key=value' });
  parser.add_argument('-o', '--quantize_table', { required: true, help: 'quantize table to write' });
  declarePlanFlag(parser);
}

function lowerCase(text: string): string {
  return text.toLowerCase();
}

/** A likeness: at most 1, and more is never reached. */
export function readLikeness(args: Arguments, flag: 'expected_cos' | 'min_layer_cos'): number {
  return args.real(flag, (value) => value >= 0 && value <= 1, 'a number from 0 to 1');
}
