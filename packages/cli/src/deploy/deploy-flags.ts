import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';

/** A flag of the original tool that takes a value, or none. */
interface ForeignFlag {
  readonly name: string;
  readonly takes?: 'value' | 'values';
  /** What the user should do instead, or why it has no meaning here. */
  readonly note?: string;
}

/** Flags that steer the vendor's compiler: accepted, so that command lines work as they are, and without effect. */
const COMPILER_FLAGS: readonly ForeignFlag[] = [
  { name: 'num_device', takes: 'value' },
  { name: 'num_core', takes: 'value' },
  { name: 'dynamic' },
  { name: 'opt', takes: 'value' },
  { name: 'disable_layer_group' },
  { name: 'disable_gdma_check' },
  { name: 'disable_topo_sort' },
  { name: 'disable_affine' },
  { name: 'disable_structure_detect_opt' },
  { name: 'group_by_cores', takes: 'value' },
  { name: 'addr_mode', takes: 'value' },
  { name: 'same_addr', takes: 'value' },
  { name: 'save_io_alone_config', takes: 'value' },
  { name: 'use_io_alone_config', takes: 'value' },
  { name: 'compress_mode', takes: 'value' },
  { name: 'merge_weight' },
  { name: 'op_divide' },
  { name: 'iomem_set', takes: 'value' },
  { name: 'model_version', takes: 'value' },
  { name: 'layer_group_config', takes: 'value' },
  { name: 'lg_debugger', takes: 'value' },
  { name: 'trunc_final', takes: 'values' },
  { name: 'time_fixed_subnet', takes: 'value' },
  { name: 'subnet_params', takes: 'value' },
  { name: 'opt_post_processor' },
  { name: 'weight_deduplicate' },
  { name: 'enable_lghash' },
  { name: 'lghash_dir', takes: 'value' },
  { name: 'rvti' },
  { name: 'global_op_types', takes: 'value' },
  { name: 'shape_secs_search_strategy', takes: 'value' },
  { name: 'includeWeight' },
  { name: 'use_rewriter_config' },
  { name: 'patterns_count', takes: 'value' },
  { name: 'debug_cmd', takes: 'value' },
  { name: 'log_level', takes: 'value' },
  { name: 'cache_skip' },
  { name: 'future_update_rank', takes: 'value' },
  { name: 'future_update_list', takes: 'value' },
];

/** Flags that would change numbers in a way that is not defined here: refused by name, never ignored. */
const REFUSED_FLAGS: readonly ForeignFlag[] = [
  { name: 'do_winograd', note: 'Winograd convolutions round in a way that is not pinned down' },
  { name: 'enable_maskrcnn', note: 'it rewrites one special network' },
  { name: 'quant_input_int8', note: 'which casts it drops is not pinned down; use --quant_input' },
  { name: 'quant_output_int8', note: 'which casts it drops is not pinned down; use --quant_output' },
  { name: 'quant_output_bf16', note: 'which casts it drops is not pinned down; use --quant_output' },
  { name: 'linear_quant_mode', takes: 'value', note: 'older spelling; use --quantize W8F16 or W4F16' },
  { name: 'aligned_input', note: 'padded rows and channels are not supported' },
  { name: 'cuda', note: 'the simulation runs on the CPU' },
  { name: 'ip', takes: 'value', note: 'nothing is run on other machines' },
  { name: 'pwd', takes: 'value', note: 'nothing is run on other machines' },
  { name: 'gen_test_input', note: 'give --test_input' },
  { name: 'gen_test_seed', takes: 'value', note: 'give --test_input' },
  { name: 'io_alone', note: 'DEPRECATED, please use --addr_mode io_alone' },
  { name: 'ignore_f16_overflow', note: 'DEPRECATED, please use --high_precision' },
];

/** Flags of `model_deploy` (cli.md 6.1). */
export function declareDeployFlags(parser: ArgumentParser): void {
  declareSources(parser);
  declareQuantization(parser);
  declareBoundary(parser);
  declareValidation(parser);
  for (const flag of COMPILER_FLAGS) declareForeign(parser, flag, "for the vendor's compiler; no effect here");
  for (const flag of REFUSED_FLAGS) declareForeign(parser, flag, `refused: ${flag.note}`);
}

function declareSources(parser: ArgumentParser): void {
  parser.add_argument('--mlir', { required: true, help: 'Top .mlir of model_transform' });
  parser.add_argument('--processor', '--chip', { required: true, help: 'target processor' });
  parser.add_argument('--model', {
    default: '',
    help: 'file to write: the quantized network for simulation and hand-over (no chip instructions)',
  });
  parser.add_argument('--not_gen_bmodel', { action: 'store_true', help: 'do not write --model and do not validate' });
  parser.add_argument('--debug', { action: 'store_true', help: 'keep the results of the lowered network as npz' });
}

function declareQuantization(parser: ArgumentParser): void {
  parser.add_argument('--quantize', {
    default: 'F32',
    help: 'mode of every layer that the quantize table does not name: INT8, INT4, F32, F16, BF16, W8F16, W4F16, W8BF16, W4BF16, W4INT8 (default: F32)',
  });
  parser.add_argument('--calibration_table', {
    default: '',
    help: 'table of run_calibration; needed by INT8, INT4 and W4INT8',
  });
  parser.add_argument('--quantize_table', { default: '', help: 'modes per layer: a file, or name:MODE,name:MODE' });
  parser.add_argument('--asymmetric', { action: 'store_true', help: 'asymmetric activations' });
  parser.add_argument('--q_group_size', {
    type: 'int',
    default: 64,
    help: 'weights that share a scale in W8F16, W8BF16, W4F16, W4BF16; 0: one scale per channel (default: 64)',
  });
  parser.add_argument('--q_symmetric', { action: 'store_true', help: 'group scales without zero point' });
  parser.add_argument('--matmul_perchannel', { action: 'store_true', help: 'a scale per output column of MatMul' });
  parser.add_argument('--high_precision', { action: 'store_true', help: 'AvgPool and Softmax in F32' });
  parser.add_argument('--gelu_mode', { default: 'normal', choices: ['normal', 'tanh', 'sigm'], help: 'form of GELU' });
}

function declareBoundary(parser: ArgumentParser): void {
  parser.add_argument('--quant_input', {
    action: 'store_true',
    help: 'no cast at the inputs of --model: the caller supplies codes',
  });
  parser.add_argument('--quant_output', {
    action: 'store_true',
    help: 'no cast at the outputs of --model: the caller receives codes',
  });
  parser.add_argument('--quant_input_list', { default: '', help: 'only these inputs, counted from 1: 1,3' });
  parser.add_argument('--quant_output_list', { default: '', help: 'only these outputs, counted from 1: 1,3' });
  parser.add_argument('--fuse_preprocess', {
    action: 'store_true',
    help: 'mean, scale and channel order become part of the network; inputs are 8-bit pixels',
  });
  parser.add_argument('--customization_format', {
    default: '',
    help: 'pixels of --fuse_preprocess: RGB_PLANAR, RGB_PACKED, BGR_PLANAR, BGR_PACKED, GRAYSCALE',
  });
}

function declareValidation(parser: ArgumentParser): void {
  parser.add_argument('--test_input', { default: '', help: 'npz, npy or image to run the lowered network on' });
  parser.add_argument('--test_reference', {
    default: '',
    help: 'npz of model_transform --test_result to compare with (default: computed here)',
  });
  parser.add_argument('--tolerance', {
    default: '',
    help: 'least cosine and Euclidean similarity to the reference; default by mode: 0.90,0.80 for INT8',
  });
  parser.add_argument('--correctness', {
    default: '',
    help: 'the same for --model against the lowered network (default: 0.99,0.90)',
  });
  parser.add_argument('--compare_all', { action: 'store_true', help: 'compare every layer, not the outputs only' });
  parser.add_argument('--excepts', { default: '-', help: 'layers that are not compared, separated by commas' });
  parser.add_argument('--fazzy_match', {
    action: 'store_true',
    help: 'compare tensors of one shape by their best similarity, whatever they are called',
  });
  parser.add_argument('--skip_validation', { action: 'store_true', help: 'do not run the file of --model' });
}

function declareForeign(parser: ArgumentParser, { name, takes }: ForeignFlag, help: string): void {
  // `null` tells a flag that was not given from any value that it can have.
  if (takes === undefined) parser.add_argument(`--${name}`, { action: 'store_true', default: null, help });
  else if (takes === 'values') parser.add_argument(`--${name}`, { nargs: '*', default: null, help });
  else parser.add_argument(`--${name}`, { default: null, help });
}

/** Flags of the command line that have no effect here, as the user spelled them. */
export function compilerFlagsIn(args: Arguments): string[] {
  return COMPILER_FLAGS.filter(({ name }) => args.isGiven(name)).map(({ name }) => `--${name}`);
}

/** Flags of the command line that cannot be honoured, with the reason. */
export function refusedFlagsIn(args: Arguments): { readonly name: string; readonly note: string }[] {
  return REFUSED_FLAGS.filter(({ name }) => args.isGiven(name)).map(({ name, note = '' }) => ({
    name: `--${name}`,
    note,
  }));
}
