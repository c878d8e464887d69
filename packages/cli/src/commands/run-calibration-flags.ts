import type { ArgumentParser } from 'argparse';
import { processorNames } from '../processors.ts';
import { declareCalibrationFlags } from './calibration-flags.ts';
import { MIX_MODE_HELP } from './mix-mode.ts';
import { declareEffortFlags } from './search-effort.ts';
import { declareGoalFlags } from './search-goals.ts';
import { declarePlanFlag } from './search-plan.ts';

/** Every flag of every era of run_calibration (calibration.md 1.1), and ours. */
export function declareRunCalibrationFlags(parser: ArgumentParser): void {
  parser.add_argument('mlir_file', { help: 'Top .mlir of model_transform' });
  declareCalibrationFlags(parser);
  parser.add_argument('--processor', '--chip', {
    default: 'bm1684x',
    choices: [...processorNames],
    help: 'target processor (default: bm1684x)',
  });
  parser.add_argument('-o', '--calibration_table', { required: true, help: 'calibration table to write' });
  parser.add_argument('--quantize_table', { default: '', help: 'quantize table to write (searches, profile 2026)' });
  parser.add_argument('--fp_type', { default: 'auto', choices: ['auto', 'F16', 'F32', 'BF16'], help: 'float type' });
  parser.add_argument('--preprocess_hook', {
    default: '',
    help: 'ES module that prepares samples, FILE or FILE:FUNCTION: ({ files, bytes, inputs }) => ({ input: values })',
  });
  parser.add_argument('--cali_image_preprocess', {
    default: '',
    help:
      "preprocessing of the BM1684 tools instead of the model's own: resize_h=300,resize_w=300;mean_value=127.5,scale=0.00784 " +
      '(also resize_side, crop_h, crop_w, crop_fraction, div, bgr2rgb, letterbox)',
  });
  parser.add_argument('--tune_list', {
    default: '',
    help: 'samples of the tuner: a list like --data_list (default: the calibration samples)',
  });
  declareCorrections(parser);
  declareReports(parser);
  declareStatisticsFiles(parser);
  declareSearches(parser);
}

function declareCorrections(parser: ArgumentParser): void {
  parser.add_argument('--we', { action: 'store_true', help: 'weight equalization before calibration' });
  parser.add_argument('--we_limits', {
    default: 'ignore',
    choices: ['ignore', 'respect'],
    help:
      'bounds of ReLU6 in the weight equalization: ignore (as TPU-MLIR; changes what such networks compute) or respect ' +
      '(measured on the samples; default: ignore)',
  });
  parser.add_argument('--bc', { action: 'store_true', help: 'bias correction after calibration' });
  parser.add_argument('--sq', { action: 'store_true', help: 'SmoothQuant before calibration' });
  parser.add_argument('--smc', { action: 'store_true', help: 'softmax correction before calibration' });
  parser.add_argument('--bc_inference_num', {
    type: 'int',
    default: 30,
    help: 'samples of the bias correction (default: 30)',
  });
  parser.add_argument('--expected_cos', {
    type: 'float',
    default: 0.99,
    help: 'agreement of the outputs that suffices (default: 0.99)',
  });
  parser.add_argument('--min_layer_cos', {
    type: 'float',
    default: 0.99,
    help: 'layers that agree as well are left alone by the bias correction (default: 0.99)',
  });
  parser.add_argument('--bc_accept', {
    default: 'layers',
    choices: ['layers', 'outputs'],
    help:
      'a bias correction stays if the outputs agree no less, and (layers, as TPU-MLIR) the layer no less than the best ' +
      'layer so far (default: layers)',
  });
  parser.add_argument('--global_compare_layers', {
    default: '',
    help: 'layers whose agreement counts instead of the outputs: a,b or a:0.3,b:0.7',
  });
  parser.add_argument('--changed_mlir', {
    default: '',
    help: 'write the model that --we, --bc, --sq and --smc change here (default: in place, as TPU-MLIR does)',
  });
}

function declareReports(parser: ArgumentParser): void {
  parser.add_argument('--kurtosis_analysis', {
    action: 'store_true',
    help: 'write kurtosis_analysis beside the table',
  });
  parser.add_argument('--part_quantize', {
    nargs: '*',
    help: 'quantize these operator types only: N_mode, H_mode, custom_mode, or types besides Conv and MatMul',
  });
  parser.add_argument('--custom_operator', { default: '', help: 'operator types of custom_mode: Conv,MatMul' });
  parser.add_argument('--part_asymmetric', {
    action: 'store_true',
    help: 'asymmetric ranges for SiLU and GELU in front of Conv and MatMul',
  });
  parser.add_argument('--debug_cmd', { default: '', help: 'developer switches: key;key=value' });
  parser.add_argument('--debug_log', { action: 'store_true', help: 'log more' });
  parser.add_argument('--no_doctor', { action: 'store_true', help: 'do not look for common mistakes first' });
}

function declareStatisticsFiles(parser: ArgumentParser): void {
  // The BM1684 tool writes them with one dash.
  parser.add_argument('--dump_dist', '-dump_dist', {
    default: '',
    help: 'write the statistics here, for other methods and processors',
  });
  parser.add_argument('--load_dist', '-load_dist', {
    default: '',
    help: 'use these statistics instead of collecting any',
  });
  parser.add_argument('--stats', {
    default: '',
    help: 'both: use the statistics of this file, or collect and write them',
  });
}

function declareSearches(parser: ArgumentParser): void {
  declarePlanFlag(parser);
  parser.add_argument('--search', {
    default: 'False',
    choices: ['False', 'search_threshold', 'search_qtable', 'fast_search', 'mix_search'],
    help:
      'search_threshold: the method whose table is best; search_qtable: thresholds per layer, and layers to keep in float; ' +
      'fast_search, mix_search: layers to keep in float, for the table at -o (default: False)',
  });
  declareEffortFlags(parser);
  declareGoalFlags(parser);
  parser.add_argument('--inference_num', { type: 'int', default: 30, help: 'samples of a search (default: 30)' });
  parser.add_argument('--max_float_layers', { type: 'int', default: 5, help: 'float layers of a search (default: 5)' });
  parser.add_argument('--post_process', {
    default: '',
    help: 'searches: ES module that exports PostProcess(outputs); for x.py, x.mjs beside it',
  });
  parser.add_argument('--transformer', {
    default: 'False',
    help: 'search_qtable: True leaves out types of layers that networks with attention are insensitive in',
  });
  parser.add_argument('--quantize_method_list', {
    default: 'MSE',
    help: 'methods of search_qtable, e.g. KL,MSE,MAX,Percentile9999; KL:0.5 is half of its thresholds (default: MSE)',
  });
  parser.add_argument('--benchmark_method', {
    default: 'cos',
    choices: ['cos', 'snr'],
    help: 'score of search_threshold (default: cos)',
  });
  parser.add_argument('--mix_mode', { default: 'wi8ai8_fp', help: MIX_MODE_HELP });
  parser.add_argument('--pre_qtable', {
    default: '',
    help: 'searches of 2026: quantize table of layers that are float anyway, instead of the automatic ones',
  });
  parser.add_argument('--cluster', {
    action: 'store_true',
    help: 'search_qtable of --profile 2026: the costlier of two groups of layers, by likeness and noise, becomes float',
  });
}
