import { basename, dirname, join } from 'node:path';
import {
  type Artefact,
  CONTAINER_NOTE,
  containerOf,
  type Graph,
  graphOfContainer,
  type Plan,
  planFromTables,
  QError,
  readContainer,
  type Tensor,
  writeContainer,
  writeNpz,
} from '@q/ir';
import { type Boundary, fusePreprocess, stripIoCasts } from '@q/ir/lowering';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { compilerFlagsIn, declareDeployFlags, refusedFlagsIn } from '../deploy/deploy-flags.ts';
import { readPlanSources, warnOf } from '../deploy/read-plan.ts';
import { readCorrectness, readTolerance } from '../deploy/tolerance.ts';
import { originText, unknownLayerWarnings } from '../deploy/unknown-layers.ts';
import { readReference, type Validation, type Verdict, validateLowered, validateModel } from '../deploy/validate.ts';
import { loadMlir } from '../files/model-files.ts';
import { writeFilesWhole, writeFileWhole } from '../files/output-files.ts';
import { runNetwork } from '../network/run-network.ts';
import { targetFor } from '../processors.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { bannerLine } from '../version.ts';
import { inputTensors, readTestInput } from './test-input.ts';

/** What one call works on. */
interface Deployment {
  readonly args: Arguments;
  readonly terminal: Terminal;
  /** The `.mlir` file; everything that is written goes beside it. */
  readonly path: string;
  readonly graph: Graph;
  readonly plan: Plan;
  readonly lowered: Graph;
  readonly artefacts: readonly Artefact[];
  /** `<module>_<chip>_<quantize>` */
  readonly prefix: string;
}

async function run(args: Arguments, terminal: Terminal): Promise<number> {
  terminal.print(bannerLine);
  checkFlags(args, terminal);
  const deployment = lower(args, terminal);
  const model = writeModel(deployment);
  if (args.list('test_input').length === 0 || args.flag('not_gen_bmodel')) return exitStatus.ok;
  return (await validate(deployment, model)) ? exitStatus.ok : exitStatus.mismatch;
}

function checkFlags(args: Arguments, terminal: Terminal): void {
  const refused = refusedFlagsIn(args);
  if (refused.length > 0) {
    const issues = refused.map(({ name, note }) => ({ code: 'cli.not-in-this-version', where: name, found: note }));
    throw new QError(`${refused.map(({ name }) => name).join(', ')}: not in this version`, issues[0]!, { issues });
  }
  if (args.optionalString('customization_format') !== undefined && !args.flag('fuse_preprocess')) {
    throw new QError('--customization_format needs --fuse_preprocess', {
      code: 'cli.missing-flag',
      where: '--fuse_preprocess',
      expected: 'both flags, or none',
    });
  }
  const idle = compilerFlagsIn(args);
  if (idle.length > 0) {
    terminal.print(
      `${idle.join(', ')}: for the compiler of the vendor, without effect here (no instructions are made)`,
    );
  }
}

function lower(args: Arguments, terminal: Terminal): Deployment {
  const path = args.string('mlir');
  const sources = readPlanSources(args, terminal);
  // An unknown processor must not cost reading a model.
  const target = targetFor(sources.processor);
  const graph = loadMlir(path, '--mlir');
  const plan = planFromTables({ ...sources, graph });
  warnOf(unknownLayerWarnings(graph, plan, originText(path)), terminal);
  const format = args.optionalString('customization_format');
  const plain = target.lower(graph, plan, terminal.emit);
  const lowered = args.flag('fuse_preprocess') ? fusePreprocess(plain, { format }) : plain;
  const artefacts = target.artefacts(lowered, plan);
  const files = artefacts.map((artefact) => ({ ...artefact, path: join(dirname(path), artefact.name) }));
  writeFilesWhole(files);
  for (const file of files) terminal.print(`${file.path}: ${file.description}`);
  const prefix = artefacts[0]!.name.replace(/(_tpu)?\.[a-z]+$/, '');
  return { args, terminal, path, graph, plan, lowered, artefacts, prefix };
}

/** Writes `--model`, and gives back the network that the file holds. */
function writeModel({ args, terminal, plan, lowered, artefacts }: Deployment): Graph | undefined {
  const path = args.optionalString('model');
  if (path === undefined || args.flag('not_gen_bmodel')) return undefined;
  if (path.endsWith('.onnx')) {
    writeOnnx(path, artefacts, terminal);
    return undefined;
  }
  const [inputs, outputs] = [boundaryOf(args, 'quant_input'), boundaryOf(args, 'quant_output')];
  const stripped = stripIoCasts(lowered, {
    ...(inputs === undefined ? {} : { inputs }),
    ...(outputs === undefined ? {} : { outputs }),
  });
  const bytes = writeContainer(containerOf(stripped, plan));
  writeFileWhole(path, bytes);
  terminal.print(`${path}: ${CONTAINER_NOTE}; run it with q model_runner`);
  return graphOfContainer(readContainer(bytes, path), path);
}

/** `--model x.onnx`: the QDQ network under the user's name, for the processors that take ONNX. */
function writeOnnx(path: string, artefacts: readonly Artefact[], terminal: Terminal): void {
  const onnx = artefacts.find(({ name }) => name.endsWith('.onnx'));
  if (onnx === undefined) {
    throw new QError(`--model: ${path} names an ONNX file, which this processor does not take`, {
      code: 'cli.bad-flag-value',
      where: '--model',
      found: path,
      expected: 'a name such as net.bmodel; --processor k1 writes ONNX',
    });
  }
  writeFileWhole(path, onnx.bytes);
  terminal.print(`${path}: ${onnx.description}`);
}

/** `--quant_input` and `--quant_input_list`, or the same of outputs. */
function boundaryOf(args: Arguments, flag: string): Boundary | undefined {
  return args.numbers(`${flag}_list`) ?? (args.flag(flag) ? 'all' : undefined);
}

/** Both comparisons of cli.md 7.1. */
async function validate(deployment: Deployment, model: Graph | undefined): Promise<boolean> {
  const { args, terminal, lowered, path, prefix, plan } = deployment;
  const tolerance = readTolerance(args, plan.precision);
  const { inputs, reference } = await prepareInputs(deployment);
  const common: Validation = {
    inputs,
    everyLayer: args.flag('compare_all'),
    excepts: args.list('excepts'),
    fuzzy: args.flag('fazzy_match'),
    terminal,
  };
  const resultFile = join(dirname(path), `${prefix}_tpu_outputs.npz`);
  const verdict: Verdict = await validateLowered({
    ...common,
    lowered,
    reference,
    tolerance,
    resultFile,
    keep: args.flag('debug'),
  });
  if (!verdict.passed || model === undefined || args.flag('skip_validation')) return verdict.passed;
  return validateModel({
    ...common,
    model,
    path: args.string('model'),
    lowered: verdict.results,
    tolerance: readCorrectness(args),
  });
}

/** Inputs of the lowered network and what its results are compared with; the float network is run where no file is given. */
async function prepareInputs({ args, terminal, graph, lowered, path }: Deployment) {
  const files = args.list('test_input');
  const own = async (): Promise<Map<string, Tensor>> => inputTensors(graph, await readTestInput(graph, files));
  const isFused = args.flag('fuse_preprocess');
  const inputs = isFused
    ? await readPixelInput(lowered, files, join(dirname(path), `${graph.name}_in_ori.npz`))
    : await own();
  const given = args.optionalString('test_reference');
  if (given !== undefined) return { inputs, reference: readReference(given) };
  const name = join(dirname(path), `${graph.name}_top_outputs.npz`);
  terminal.print(
    `[CMD]: model_runner.py --input ${graph.name}_in_f32.npz --model ${basename(path)} --output ${basename(name)} --dump_all_tensors`,
  );
  const tensors = await runNetwork(graph, isFused ? await own() : inputs, { allTensors: true });
  writeFileWhole(name, writeNpz(tensors));
  return { inputs, reference: { name, tensors } };
}

/** Images as the pixels that `--fuse_preprocess` takes; they are written to `<module>_in_ori.npz`, too. */
async function readPixelInput(lowered: Graph, files: readonly string[], path: string): Promise<Map<string, Tensor>> {
  const feeds = await readTestInput(lowered, files);
  const tensors = new Map(
    [...inputTensors(lowered, feeds)].map(([name, tensor]): [string, Tensor] =>
      lowered.values.get(name)?.dtype === 'u8'
        ? [name, { shape: tensor.shape, dtype: 'u8', data: Uint8Array.from(tensor.data as Float32Array) }]
        : [name, tensor],
    ),
  );
  writeFileWhole(path, writeNpz(tensors));
  return tensors;
}

function declare(parser: ArgumentParser): void {
  declareDeployFlags(parser);
}

export const modelDeploy: CommandBody = { declare, run };
