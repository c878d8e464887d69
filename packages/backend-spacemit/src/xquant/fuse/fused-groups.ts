import type { Graph } from '@q/ir';
import type { Fusion } from '../config/settings.ts';
import type { FusedGroup } from './fused-group.ts';
import { findWindows } from './windows.ts';
import { findYoloHeads } from './yolo-head.ts';

/** The groups of operators that become one in the file. The same before and after quantization: their operators stay float. */
export function fusedGroups(graph: Graph, fusions: readonly Fusion[]): FusedGroup[] {
  return [
    ...(fusions.includes('yolo_decode') ? findYoloHeads(graph) : []),
    ...(fusions.includes('window') ? findWindows(graph) : []),
  ];
}
