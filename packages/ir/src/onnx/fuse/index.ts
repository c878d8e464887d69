import type { OnnxGraph, OnnxType } from '../onnx-graph.ts';

export function simplify(_graph: OnnxGraph, _types: ReadonlyMap<string, OnnxType>): boolean {
  return false;
}
export function fuseNodes(_graph: OnnxGraph, _types: ReadonlyMap<string, OnnxType>): void {}
