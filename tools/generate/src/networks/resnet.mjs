/** ResNet-18 and ResNet-50, 224 (He et al., 2015; the layout of torchvision: the stride is in the 3x3). 11.7 and 25.6 M parameters. */

const active = { scale: 1, spread: 0.6, shift: 0.4 };
// The last norm of a branch: small, as trained ones are, so that sums do not grow from block to block.
const branchEnd = { scale: 0.4, spread: 0.6, shift: 0.1 };

function convRelu(net, x, name, options) {
  return net.relu(net.conv(x, name, { ...options, norm: active }), `${name}.relu`);
}

function shortcut(net, x, name, out, stride) {
  const same = stride === 1 && net.shape(x)[1] === out;
  return same ? x : net.conv(x, `${name}.downsample`, { out, stride, norm: active });
}

function sum(net, name, branch, beside) {
  return net.relu(net.op('top.Add', `${name}.add`, [branch, beside]), `${name}.relu`);
}

function basicBlock(net, x, name, width, stride) {
  const y = convRelu(net, x, `${name}.conv1`, { out: width, kernel: 3, stride });
  const branch = net.conv(y, `${name}.conv2`, { out: width, kernel: 3, norm: branchEnd });
  return sum(net, name, branch, shortcut(net, x, name, width, stride));
}

function bottleneck(net, x, name, width, stride) {
  let y = convRelu(net, x, `${name}.conv1`, { out: width });
  y = convRelu(net, y, `${name}.conv2`, { out: width, kernel: 3, stride });
  const branch = net.conv(y, `${name}.conv3`, { out: 4 * width, norm: branchEnd });
  return sum(net, name, branch, shortcut(net, x, name, 4 * width, stride));
}

function buildResNet(net, block, repeats) {
  let x = convRelu(net, net.input('input', [1, 3, 224, 224]), 'conv1', { out: 64, kernel: 7, stride: 2 });
  x = net.maxPool(x, 'maxpool', 3, 2);
  for (const [stage, blocks] of repeats.entries()) {
    for (let index = 0; index < blocks; index++) {
      x = block(net, x, `layer${stage + 1}.${index}`, 64 << stage, stage > 0 && index === 0 ? 2 : 1);
    }
  }
  x = net.reshape(net.globalAverage(x, 'avgpool'), 'flatten', [1, net.shape(x)[1]]);
  return [net.linear(x, 'fc', { out: 1000, deviation: 2 })];
}

/** @param {import('../network-builder.mjs').NetworkBuilder} net */
export const buildResNet18 = (net) => buildResNet(net, basicBlock, [2, 2, 2, 2]);
/** @param {import('../network-builder.mjs').NetworkBuilder} net */
export const buildResNet50 = (net) => buildResNet(net, bottleneck, [3, 4, 6, 3]);
