import { GridMode, type KernelExports, ScatterOp } from '../src/index.ts';
import type { ExportCase, Room } from './export-cases.ts';

const [LO, HI] = [-Infinity, Infinity];

function gridSamples(e: KernelExports, room: Room): void {
  for (const mode of Object.values(GridMode)) {
    for (const padding of [0, 1, 2])
      e.f32_grid_sample(
        room.floats(210),
        room.floats(80, 1.3),
        room.bytes(240),
        1,
        3,
        7,
        10,
        20,
        mode,
        padding,
        mode & 1,
      );
  }
}

/** Indices [2,3,4] into lines of 5 along the middle. */
function pickedElements(e: KernelExports, room: Room): void {
  const [plan, indices] = [
    room.ints([2, 3, 4, 20, 0, 1]),
    room.ints(Array.from({ length: 24 }, (_, i) => (i * 7) % 5)),
  ];
  e.gather_elements_x32(room.floats(40), indices, room.bytes(96), 3, plan, 5, 4);
}

function scatteredElements(e: KernelExports, room: Room): void {
  const [plan, indices] = [
    room.ints([2, 3, 4, 20, 0, 1]),
    room.ints(Array.from({ length: 24 }, (_, i) => (i * 7) % 5)),
  ];
  for (const op of Object.values(ScatterOp))
    e.scatter_elements(op, room.floats(40), indices, room.floats(24), 3, plan, 5, 4);
}

export const INDEXED_CASES: Readonly<Record<string, ExportCase>> = {
  f32_grid_sample: gridSamples,
  f32_maxpool2d_places: (e, room) => {
    const [y, places] = [room.bytes(4 * 2 * 25), room.bytes(4 * 2 * 25)];
    e.f32_maxpool2d_places(room.floats(162), y, places, 2, 9, 9, 5, 5, 3, 3, 2, 2, 1, 2, 1, 2, 1, LO, HI);
  },
  f32_top_k: (e, room) =>
    e.f32_top_k(room.floats(600), room.bytes(240), room.bytes(240), room.bytes(40), 2, 100, 3, 10, 1),
  gather_elements_x32: pickedElements,
  scatter_elements: scatteredElements,
};
