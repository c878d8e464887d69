/** MobileNetV2 1.0, 224 (Sandler et al., 2018; the layout of torchvision). 3.5 M parameters. */

// expansion, outputs, repeats, stride of the first.
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];

const active = { scale: 1, spread: 0.6, shift: 0.4 };
const linear = { scale: 0.8, spread: 0.6, shift: 0.2 };

function convRelu6(net, x, name, options) {
  return net.relu(net.conv(x, `${name}.conv`, { ...options, norm: active }), `${name}.relu6`, 6);
}

function invertedResidual(net, x, name, { expansion, outputs, stride }) {
  const inputs = net.shape(x)[1];
  const hidden = inputs * expansion;
  const expanded = expansion === 1 ? x : convRelu6(net, x, `${name}.expand`, { out: hidden });
  const filtered = convRelu6(net, expanded, `${name}.depthwise`, { out: hidden, kernel: 3, stride, group: hidden });
  const projected = net.conv(filtered, `${name}.project.conv`, { out: outputs, norm: linear });
  return stride === 1 && inputs === outputs ? net.op('top.Add', `${name}.add`, [x, projected]) : projected;
}

/** @param {import('../network-builder.mjs').NetworkBuilder} net */
export function buildMobileNetV2(net) {
  let x = convRelu6(net, net.input('input', [1, 3, 224, 224]), 'features.0', { out: 32, kernel: 3, stride: 2 });
  let index = 1;
  for (const [expansion, outputs, repeats, first] of STAGES) {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const stride = repeat === 0 ? first : 1;
      x = invertedResidual(net, x, `features.${index++}`, { expansion, outputs, stride });
    }
  }
  x = convRelu6(net, x, 'features.18', { out: 1280 });
  x = net.reshape(net.globalAverage(x, 'pool'), 'flatten', [1, 1280]);
  return [net.linear(x, 'classifier', { out: 1000, deviation: 2 })];
}
