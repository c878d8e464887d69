/** YOLOv5s 6.0, 640, 80 classes (Ultralytics), with its decoding up to, and without, non-maximum suppression. 7.2 M parameters. */

const active = { scale: 1, spread: 0.6, shift: 0.3 };
const CLASSES = 80;
const LEVELS = [
  {
    stride: 8,
    anchors: [
      [10, 13],
      [16, 30],
      [33, 23],
    ],
  },
  {
    stride: 16,
    anchors: [
      [30, 61],
      [62, 45],
      [59, 119],
    ],
  },
  {
    stride: 32,
    anchors: [
      [116, 90],
      [156, 198],
      [373, 326],
    ],
  },
];

function conv(net, x, name, out, kernel = 1, stride = 1, pad = kernel >> 1) {
  return net.silu(net.conv(x, `${name}.conv`, { out, kernel, stride, pad, norm: active }), `${name}.act`);
}

function concat(net, name, inputs) {
  return net.op('top.Concat', name, inputs, { axis: 1 });
}

function c3(net, x, name, out, repeats, isResidual = true) {
  let y = conv(net, x, `${name}.cv1`, out / 2);
  for (let index = 0; index < repeats; index++) {
    const inner = conv(net, conv(net, y, `${name}.m.${index}.cv1`, out / 2), `${name}.m.${index}.cv2`, out / 2, 3);
    y = isResidual ? net.op('top.Add', `${name}.m.${index}.add`, [y, inner]) : inner;
  }
  return conv(net, concat(net, `${name}.concat`, [y, conv(net, x, `${name}.cv2`, out / 2)]), `${name}.cv3`, out);
}

function sppf(net, x, name, out) {
  const steps = [conv(net, x, `${name}.cv1`, out / 2)];
  for (let index = 0; index < 3; index++) steps.push(net.maxPool(steps[index], `${name}.m.${index}`, 5, 1));
  return conv(net, concat(net, `${name}.concat`, steps), `${name}.cv2`, out);
}

function enlarge(net, x, name) {
  return net.op('top.Upsample', name, [x], { scaleH: 2, scaleW: 2 });
}

/** [1, 255, h, w] to [1, 3 · h · w, 85]: centre = (2σ + cell − 0.5) · stride, size = (2σ)² · anchor, then σ of the rest. */
function decode(net, x, name, { stride, anchors }) {
  const raw = net.conv(x, `${name}.conv`, { out: 3 * (5 + CLASSES), gain: 0.7 });
  const { data: bias } = net.weights.get(`${name}.conv.bias`);
  for (let anchor = 0; anchor < 3; anchor++) bias[anchor * (5 + CLASSES) + 4] = -4;
  const [height, width] = net.shape(raw).slice(2);
  const maps = net.reshape(raw, `${name}.split`, [1, 3, 5 + CLASSES, height, width]);
  const turned = net.op('top.Permute', `${name}.transpose`, [maps], { order: [0, 1, 3, 4, 2] });
  const all = net.op('top.Sigmoid', `${name}.sigmoid`, [turned]);
  const [xy, wh, scores] = net.op('top.Split', `${name}.parts`, [all], {
    axis: 4,
    num: 3,
    splitSize: [2, 2, 1 + CLASSES],
  });
  const cells = new Float32Array(3 * height * width * 2);
  const sizes = new Float32Array(3 * height * width * 2);
  for (let i = 0; i < 3 * height * width; i++) {
    cells.set([(i % width) - 0.5, (Math.floor(i / width) % height) - 0.5], 2 * i);
    sizes.set(anchors[Math.floor(i / (height * width))], 2 * i);
  }
  const shape = [1, 3, height, width, 2];
  const twice = net.op('top.MulConst', `${name}.xy2`, [xy], { constVal: 2 });
  const placed = net.op('top.Add', `${name}.cell`, [twice, net.weight(`${name}.cells`, shape, cells)]);
  const centre = net.op('top.MulConst', `${name}.centre`, [placed], { constVal: stride });
  const doubled = net.op('top.MulConst', `${name}.wh2`, [wh], { constVal: 2 });
  const squared = net.op('top.Pow', `${name}.square`, [doubled], { exponent: 2 });
  const size = net.op('top.Mul', `${name}.size`, [squared, net.weight(`${name}.anchors`, shape, sizes)]);
  const joined = net.op('top.Concat', `${name}.box`, [centre, size, scores], { axis: 4 });
  return net.reshape(joined, `${name}.rows`, [1, 3 * height * width, 5 + CLASSES]);
}

/** @param {import('../network-builder.mjs').NetworkBuilder} net */
export function buildYolov5s(net) {
  let x = conv(net, net.input('images', [1, 3, 640, 640]), 'model.0', 32, 6, 2, 2);
  x = c3(net, conv(net, x, 'model.1', 64, 3, 2), 'model.2', 64, 1);
  const p3 = c3(net, conv(net, x, 'model.3', 128, 3, 2), 'model.4', 128, 2);
  const p4 = c3(net, conv(net, p3, 'model.5', 256, 3, 2), 'model.6', 256, 3);
  x = c3(net, conv(net, p4, 'model.7', 512, 3, 2), 'model.8', 512, 1);
  const top = conv(net, sppf(net, x, 'model.9', 512), 'model.10', 256);
  x = c3(net, concat(net, 'model.12', [enlarge(net, top, 'model.11'), p4]), 'model.13', 256, 1, false);
  const middle = conv(net, x, 'model.14', 128);
  const small = c3(net, concat(net, 'model.16', [enlarge(net, middle, 'model.15'), p3]), 'model.17', 128, 1, false);
  const joined = concat(net, 'model.19', [conv(net, small, 'model.18', 128, 3, 2), middle]);
  const medium = c3(net, joined, 'model.20', 256, 1, false);
  const large = concat(net, 'model.22', [conv(net, medium, 'model.21', 256, 3, 2), top]);
  const levels = [small, medium, c3(net, large, 'model.23', 512, 1, false)];
  const rows = levels.map((level, index) => decode(net, level, `model.24.${index}`, LEVELS[index]));
  return [net.op('top.Concat', 'output', rows, { axis: 1 })];
}
