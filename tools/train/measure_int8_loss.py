"""How much the shipped classifier loses under plain INT8, measured with ONNX Runtime's own quantizer.

    python measure_int8_loss.py ../../test-models/objects-cnn

This is not a reference for our results. It tells, from an independent tool, whether a model is an easy or a hard case
and where the trouble sits, for the model card. It prints the top-1 and the logits' SQNR with min/max calibration, for
per-tensor and for per-channel weights, and the layers whose weight channels differ most in range.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from evaluate_onnx_classifier import count_top1, preprocess, read_images, read_labels, run_all


class CalibrationImages(CalibrationDataReader):
    def __init__(self, archive: Path):
        self.inputs = iter([{"image": preprocess(pixels)} for pixels in read_images(archive).values()])

    def get_next(self):
        return next(self.inputs, None)


def quantize(folder: Path, prepared: Path, out: Path, per_channel: bool) -> None:
    """Symmetric INT8 weights and activations, the scheme of the chips this project is about."""
    quantize_static(
        prepared,
        out,
        CalibrationImages(folder / "calibration.zip"),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        per_channel=per_channel,
        calibrate_method=CalibrationMethod.MinMax,
        extra_options={"ActivationSymmetric": True, "WeightSymmetric": True},
    )


def sqnr_db(exact: dict[str, np.ndarray], rough: dict[str, np.ndarray]) -> float:
    """Power of the float logits over the power of their error, over all images, in decibels: higher is better."""
    signal = sum(float((exact[name] ** 2).sum()) for name in exact)
    noise = sum(float(((exact[name] - rough[name]) ** 2).sum()) for name in exact)
    return 10 * np.log10(signal / noise)


def weight_spread(model: Path) -> list[tuple[float, str, tuple[int, ...]]]:
    """For each convolution: the widest output channel's range over the median channel's, largest first."""
    graph = onnx.load(model).graph
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    rows = []
    for node in graph.node:
        if node.op_type == "Conv":
            weight = weights[node.input[1]]
            ranges = np.abs(weight).reshape(len(weight), -1).max(axis=1)
            rows.append((float(ranges.max() / np.median(ranges)), node.name, weight.shape))
    return sorted(rows, reverse=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a model's folder under test-models")
    parser.add_argument("--data", type=Path, help="folder of the zips and labels.csv, where it is another")
    arguments = parser.parse_args()
    model = next(arguments.folder.glob("*.onnx"))
    folder = arguments.data or arguments.folder
    images, labels = read_images(folder / "evaluation.zip"), read_labels(folder / "labels.csv")
    float_logits = run_all(model, images)
    print(f"float: {count_top1(float_logits, labels)}/{len(images)}")
    with tempfile.TemporaryDirectory() as scratch:
        prepared, out = Path(scratch, "prepared.onnx"), Path(scratch, "int8.onnx")
        quant_pre_process(model, prepared)
        for per_channel in (False, True):
            quantize(folder, prepared, out, per_channel)
            logits = run_all(out, images)
            same = sum(int(logits[name].argmax()) == int(float_logits[name].argmax()) for name in images)
            print(
                f"weights {'per channel' if per_channel else 'per tensor'}: {count_top1(logits, labels)}/{len(images)}, "
                f"same top-1 as float {same}, logits {sqnr_db(float_logits, logits):.1f} dB SQNR"
            )
    for ratio, name, shape in weight_spread(model)[:6]:
        print(f"widest / median channel range {ratio:6.1f}  {name} {shape}")


if __name__ == "__main__":
    main()
