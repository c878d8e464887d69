/** YOLOv3-tiny, 416, 80 classes (Redmon & Farhadi, 2018), without post-processing. 8.8 M parameters. */

const active = { scale: 1, spread: 0.6, shift: 0.3 };

function leaky(net, x, name, out, kernel) {
  return net.op('top.LeakyRelu', `${name}.leaky`, [net.conv(x, name, { out, kernel, norm: active })], { alpha: 0.1 });
}

/** The two raw maps, coarse first. Objectness starts low, so that few cells see something. */
function head(net, x, name) {
  const raw = net.conv(x, name, { out: 255, gain: 0.7 });
  const { data } = net.weights.get(`${name}.bias`);
  for (let anchor = 0; anchor < 3; anchor++) data[anchor * 85 + 4] = -3;
  return raw;
}

/** @param {import('../network-builder.mjs').NetworkBuilder} net */
export function buildYolov3Tiny(net) {
  let x = net.input('images', [1, 3, 416, 416]);
  let fine = x;
  for (const [index, out] of [16, 32, 64, 128, 256].entries()) {
    fine = leaky(net, x, `conv${index}`, out, 3);
    x = net.maxPool(fine, `pool${index}`, 2, 2, [0, 0, 0, 0]);
  }
  x = leaky(net, x, 'conv5', 512, 3);
  // Stride 1, one row and one column of padding behind.
  x = net.maxPool(x, 'pool5', 2, 1, [0, 0, 1, 1]);
  x = leaky(net, leaky(net, x, 'conv6', 1024, 3), 'conv7', 256, 1);
  const coarse = head(net, leaky(net, x, 'conv8', 512, 3), 'coarse');
  const enlarged = net.op('top.Upsample', 'enlarge', [leaky(net, x, 'conv9', 128, 1)], { scaleH: 2, scaleW: 2 });
  const joined = net.op('top.Concat', 'join', [enlarged, fine], { axis: 1 });
  return [coarse, head(net, leaky(net, joined, 'conv10', 256, 3), 'fine')];
}
