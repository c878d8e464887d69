import { Random } from '../random.mjs';

/** DeiT-tiny, patch 16, 224 (Touvron et al., 2021), without distillation. 5.7 M parameters. */

const WIDTH = 192;
const HEADS = 3;
const DEPTH = WIDTH / HEADS;
const TOKENS = 197;

function attention(net, x, name) {
  const qkv = net.linear(x, `${name}.qkv`, { out: 3 * WIDTH });
  const parted = net.reshape(qkv, `${name}.reshape`, [1, TOKENS, 3, HEADS, DEPTH]);
  const turned = net.op('top.Permute', `${name}.transpose`, [parted], { order: [2, 0, 3, 1, 4] });
  const [q, k, v] = net
    .op('top.Split', `${name}.split`, [turned], { axis: 0, num: 3 })
    .map((part, index) => net.op('top.Squeeze', `${name}.${'qkv'[index]}`, [part], { axes: [0] }));
  const columns = net.op('top.Permute', `${name}.kt`, [k], { order: [0, 1, 3, 2] });
  const products = net.op('top.MatMul', `${name}.scores`, [q, columns], {});
  // Twice the usual 1/√d: seeded queries and keys are less alike than trained ones, and attention would be flat.
  const scaled = net.op('top.MulConst', `${name}.scale`, [products], { constVal: Math.fround(2 / Math.sqrt(DEPTH)) });
  const weights = net.op('top.Softmax', `${name}.softmax`, [scaled], { axis: 3 });
  const mixed = net.op('top.MatMul', `${name}.mix`, [weights, v], {});
  const rows = net.op('top.Permute', `${name}.heads`, [mixed], { order: [0, 2, 1, 3] });
  return net.linear(net.reshape(rows, `${name}.rows`, [1, TOKENS, WIDTH]), `${name}.proj`, { out: WIDTH });
}

function block(net, x, name) {
  const attended = attention(net, net.layerNorm(x, `${name}.norm1`), `${name}.attn`);
  const y = net.op('top.Add', `${name}.add1`, [x, attended]);
  const hidden = net.linear(net.layerNorm(y, `${name}.norm2`), `${name}.fc1`, { out: 4 * WIDTH });
  const active = net.op('top.GELU', `${name}.gelu`, [hidden]);
  return net.op('top.Add', `${name}.add2`, [y, net.linear(active, `${name}.fc2`, { out: WIDTH })]);
}

/** @param {import('../network-builder.mjs').NetworkBuilder} net */
export function buildDeitTiny(net) {
  const random = new Random('deit-tiny/tokens');
  const patches = net.conv(net.input('input', [1, 3, 224, 224]), 'patch', {
    out: WIDTH,
    kernel: 16,
    stride: 16,
    pad: 0,
  });
  const rows = net.reshape(patches, 'patch.rows', [1, WIDTH, TOKENS - 1]);
  const tokens = net.op('top.Permute', 'patch.tokens', [rows], { order: [0, 2, 1] });
  const token = net.weight('cls_token', [1, 1, WIDTH], random.bells(WIDTH, 0.5));
  const joined = net.op('top.Concat', 'tokens', [token, tokens], { axis: 1 });
  const positions = net.weight('pos_embed', [1, TOKENS, WIDTH], random.bells(TOKENS * WIDTH, 0.5));
  let x = net.op('top.Add', 'positions', [joined, positions]);
  for (let index = 0; index < 12; index++) x = block(net, x, `blocks.${index}`);
  const normed = net.layerNorm(x, 'norm');
  const first = net.op('top.Slice', 'first', [normed], { offset: [0], steps: [1], ends: [1], axes: [1] });
  return [net.linear(net.reshape(first, 'flatten', [1, WIDTH]), 'head', { out: 1000, deviation: 2 })];
}
