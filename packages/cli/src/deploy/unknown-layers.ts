import { existsSync } from 'node:fs';
import type { Graph, Issue, Plan } from '@q/ir';
import { readInputText } from '../files/input-files.ts';
import { type FusedName, fusedNameOf } from './fused-names.ts';

/** Rows of the tables that name no layer: TPU-MLIR drops them in silence, and the layer runs otherwise than was meant. */
export function unknownLayerWarnings(graph: Graph, plan: Plan, origin: string | undefined): Issue[] {
  return [...unknownOps(graph, plan, origin), ...unknownValues(graph, plan, origin)];
}

function unknownOps(graph: Graph, plan: Plan, origin: string | undefined): Issue[] {
  const known = new Set(graph.ops.map((op) => op.name));
  return [...plan.ops.keys()]
    .filter((name) => !known.has(name))
    .map((name) => ({
      code: 'qtable.unknown-layer',
      where: 'quantize table',
      found: `${name} is no layer of this network: its row has no effect`,
      ...hintOf(fusedNameOf(name, graph, origin)),
    }));
}

/** One warning for all rows: tables of whole models are used for parts of them, too. */
function unknownValues(graph: Graph, plan: Plan, origin: string | undefined): Issue[] {
  const unknown = [...plan.values.keys()].filter((name) => !graph.values.has(name));
  const [first] = unknown;
  if (first === undefined) return [];
  const count = unknown.length === 1 ? 'One row names' : `${unknown.length} rows name`;
  return [
    {
      code: 'cali-table.unknown-layer',
      where: 'calibration table',
      found: `${count} no layer of this network, first: ${first}`,
      ...hintOf(fusedNameOf(first, graph, origin)),
    },
  ];
}

function hintOf(fused: FusedName | undefined): { hint?: string } {
  if (fused === undefined) return {};
  return {
    hint: fused.isCertain
      ? `since fusion it is part of ${fused.name}: use that name`
      : `tables use the names after fusion; perhaps it is part of ${fused.name}`,
  };
}

/** The module as the converter made it, if it was left beside the `.mlir` file. */
export function originText(path: string): string | undefined {
  const origin = path.replace(/\.mlir$/, '_origin.mlir');
  return existsSync(origin) ? readInputText(origin, '--mlir') : undefined;
}
