const VECTORS = 12;
const UNROLLED = 4;
const V128 = 0x7b;
const F32 = 0x7d;
const I32 = 0x7f;

/**
 * The 128-bit multiply-add limit of plain WASM SIMD on this machine: a loop whose twelve sums stay in registers, each
 * r = r*m + d, so that nothing can be taken out of the loop and nothing waits for memory. Written in bytes, because what
 * is measured shall depend on no compiler but the engine's.
 *
 * @returns {Promise<{ run: () => void, flops: number }>} one run is about 2 ms
 */
export async function openSimdLimit() {
  const { instance } = await WebAssembly.instantiate(moduleBytes());
  const turns = 40_000;
  return { run: () => instance.exports.loop(turns), flops: turns * UNROLLED * VECTORS * 4 * 2 };
}

function moduleBytes() {
  const [factor, addend] = [1 + VECTORS, 2 + VECTORS];
  const get = (local) => [0x20, local];
  const set = (local) => [0x21, local];
  const splat = (value) => [0x43, ...new Uint8Array(Float32Array.of(value).buffer), 0xfd, 0x13];
  const vectors = Array.from({ length: VECTORS }, (_, at) => 1 + at);
  const multiply = [0xfd, 0xe6, 0x01];
  const add = [0xfd, 0xe4, 0x01];
  const turn = vectors.flatMap((r) => [...get(r), ...get(factor), ...multiply, ...get(addend), ...add, ...set(r)]);
  const body = [
    ...[1, VECTORS + 2, V128],
    ...vectors.flatMap((r) => [...splat(r / 8), ...set(r)]),
    ...[...splat(0.5), ...set(factor), ...splat(1), ...set(addend)],
    ...[0x03, 0x40], // loop
    ...Array.from({ length: UNROLLED }, () => turn).flat(),
    ...[...get(0), 0x41, 0x01, 0x6b, 0x22, 0x00, 0x0d, 0x00, 0x0b], // n -= 1; again while n != 0
    ...get(1),
    ...vectors.slice(1).flatMap((r) => [...get(r), ...add]),
    ...[0xfd, 0x1f, 0x00, 0x0b], // a result that depends on all of them
  ];
  const section = (id, content) => [id, ...sized(content)];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, 1, I32, 1, F32]),
    ...section(3, [1, 0]),
    ...section(7, [1, 4, ...new TextEncoder().encode('loop'), 0x00, 0]),
    ...section(10, [1, ...sized(body)]),
  ]);
}

/** Bytes behind their number as unsigned LEB128. */
function sized(bytes) {
  const length = [];
  for (let rest = bytes.length; ; rest >>= 7) {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    if (rest <= 0x7f) return [...length, ...bytes];
  }
}
