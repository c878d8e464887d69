import type { KernelExports } from '../src/index.ts';
import type { ExportCase, Room } from './export-cases.ts';

/** Weights Rᵀ [hidden, columns], packed. */
function packedGates(e: KernelExports, room: Room, columns: number, hidden: number): number {
  const packed = room.bytes(e.f32_gemm_packed_bytes(columns, hidden));
  e.f32_gemm_pack(room.floats(columns * hidden), packed, columns, hidden, 1, hidden);
  return packed;
}

function longShortTermMemory(e: KernelExports, room: Room): void {
  const [steps, batch, hidden] = [3, 2, 9];
  const weights = packedGates(e, room, 4 * hidden, hidden);
  const [h, c, y] = [room.floats(batch * hidden), room.floats(batch * hidden), room.bytes(4 * steps * batch * hidden)];
  const scratch = room.bytes(e.f32_lstm_scratch_bytes(batch, hidden));
  const rows = [steps, batch, hidden, 4 * batch * hidden, 4 * hidden, batch * hidden, hidden] as const;
  e.f32_lstm(room.floats(4 * steps * batch * hidden), weights, h, c, y, scratch, ...rows);
}

function gatedUnits(e: KernelExports, room: Room): void {
  const [steps, batch, hidden] = [3, 2, 9];
  const gates = packedGates(e, room, 2 * hidden, hidden);
  const candidates = packedGates(e, room, hidden, hidden);
  const [bias, h, y] = [room.floats(3 * hidden), room.floats(batch * hidden), room.bytes(4 * steps * batch * hidden)];
  const scratch = room.bytes(e.f32_gru_scratch_bytes(batch, hidden));
  const rows = [steps, batch, hidden, 3 * batch * hidden, 3 * hidden, batch * hidden, hidden] as const;
  for (const linear of [0, 1]) {
    e.f32_gru(room.floats(3 * steps * batch * hidden), gates, candidates, bias, h, y, scratch, ...rows, linear);
  }
}

export const RECURRENT_CASES: Readonly<Record<string, ExportCase>> = {
  f32_gru: gatedUnits,
  f32_lstm: longShortTermMemory,
};
