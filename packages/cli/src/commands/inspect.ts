import { extname } from 'node:path';
import { type Graph, type Issue, summarize } from '@q/ir';
import { importOnnxPart, inspectOnnx, type OnnxSummary, type PartialImport } from '@q/ir/onnx';
import { planActivations } from '@q/runtime';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { readInputFile } from '../files/input-files.ts';
import { loadModel, type ModelOptions, nameOfModelFile, onnxOptions } from '../files/model-files.ts';
import { targetFor } from '../processors.ts';
import { renderError } from '../terminal/render-error.ts';
import type { Terminal } from '../terminal/terminal.ts';
import {
  type Inspection,
  openPointsOn,
  precisionsOn,
  renderInspection,
  renderOpenPoints,
  surveyError,
} from './inspect-report.ts';

function declare(parser: ArgumentParser): void {
  parser.add_argument('model', {
    nargs: '?',
    default: '',
    help: '.onnx file, Top .mlir with its weights beside it, or Caffe .prototxt; not needed with --processor',
  });
  parser.add_argument('--model_data', '--weights', { default: '', help: 'the .caffemodel of a .prototxt' });
  parser.add_argument('--input_shapes', { default: '[]', help: 'one shape per input, e.g. [[1,3,224,224]]' });
  parser.add_argument('--output_names', {
    default: '',
    help: 'cut the network here: tensor names, separated by commas',
  });
  parser.add_argument('--processor', '--chip', {
    default: '',
    help: 'also say in which precision each layer would run there, which layers it cannot run, and what is not pinned down',
  });
  parser.add_argument('--json', { action: 'store_true', help: 'print the same as one JSON object' });
}

async function run(args: Arguments, terminal: Terminal): Promise<number> {
  const processor = args.optionalString('processor')?.toLowerCase();
  // An unknown processor must not cost an import.
  const target = processor === undefined ? undefined : targetFor(processor);
  if (args.optionalString('model') === undefined && target !== undefined) {
    const openPoints = openPointsOn(target, processor!);
    terminal.print(
      args.flag('json') ? JSON.stringify({ processor, openPoints }) : renderOpenPoints(processor!, openPoints),
    );
    return exitStatus.ok;
  }
  const path = args.string('model');
  const options: ModelOptions = {
    name: nameOfModelFile(path),
    inputShapes: args.shapes('input_shapes'),
    outputNames: args.list('output_names'),
    modelData: args.optionalString('model_data'),
    emit: args.flag('json') ? () => {} : terminal.emit,
  };
  const survey = extname(path).toLowerCase() === '.onnx' ? readSurvey(path, options) : undefined;
  const graph = survey === undefined ? loadModel(path, 'model', options) : survey.graph;
  const inspection: Inspection = {
    file: path,
    ...(survey === undefined ? {} : { survey: survey.facts }),
    ...(graph === undefined ? {} : { summary: summarize(graph), activations: planActivations(graph) }),
    ...(graph === undefined || target === undefined ? {} : { processor: precisionsOn(graph, target, processor!) }),
    issues: survey?.issues ?? unknownIssues(graph),
  };
  terminal.print(args.flag('json') ? JSON.stringify(inspection) : renderInspection(inspection));
  if (inspection.issues.length === 0) return exitStatus.ok;
  if (!args.flag('json')) terminal.warn(renderError(surveyError(inspection), false));
  return exitStatus.failed;
}

function readSurvey(path: string, options: ModelOptions): PartialImport & { readonly facts: OnnxSummary } {
  const bytes = readInputFile(path, 'model');
  const choices = onnxOptions(path, 'model', options);
  return { facts: inspectOnnx(bytes, path, choices.externalData), ...importOnnxPart(bytes, choices) };
}

/** Operators of a `.mlir` file that this version has no row for: they can be kept, not executed. */
function unknownIssues(graph: Graph | undefined): Issue[] {
  const unknown = graph === undefined ? [] : summarize(graph).unknown;
  return unknown.map(({ type, names }) => ({
    code: 'mlir.unknown-operator',
    where: names.join(', '),
    found: type,
    expected: 'an operator that can be executed',
  }));
}

export const inspect: CommandBody = { declare, run };
