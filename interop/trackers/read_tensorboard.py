"""Reads the event files of a folder with TensorBoard's own EventAccumulator and prints what it found as one line of JSON."""
import json
import sys

from tensorboard import version
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.plugins.hparams import plugin_data_pb2 as hparams_pb2
from tensorboard.plugins.pr_curve import plugin_data_pb2 as curves_pb2
from tensorboard.util import tensor_util

accumulator = event_accumulator.EventAccumulator(sys.argv[1], size_guidance={kind: 0 for kind in event_accumulator.DEFAULT_SIZE_GUIDANCE})
accumulator.Reload()
tags = accumulator.Tags()
result = {"version": version.VERSION, "scalars": {}, "images": {}, "histograms": {}, "curves": {}, "hparams": {}, "metrics": [], "status": []}
for tag in tags["scalars"]:
    result["scalars"][tag] = [[e.step, e.value] for e in accumulator.Scalars(tag)]
for tag in tags["images"]:
    result["images"][tag] = [[e.step, e.width, e.height, len(e.encoded_image_string)] for e in accumulator.Images(tag)]
for tag in tags["histograms"]:
    result["histograms"][tag] = [[e.step, e.histogram_value.num, sum(e.histogram_value.bucket)] for e in accumulator.Histograms(tag)]
for tag in tags["tensors"]:
    metadata = accumulator.SummaryMetadata(tag)
    if metadata.plugin_data.plugin_name == "pr_curves":
        data = curves_pb2.PrCurvePluginData.FromString(metadata.plugin_data.content)
        for e in accumulator.Tensors(tag):
            shape = list(tensor_util.make_ndarray(e.tensor_proto).shape)
            assert shape == [6, data.num_thresholds], shape
            result["curves"].setdefault(tag, []).append(e.step)
    if metadata.plugin_data.plugin_name == "hparams":
        data = hparams_pb2.HParamsPluginData.FromString(metadata.plugin_data.content)
        for name, value in data.session_start_info.hparams.items():
            result["hparams"][name] = getattr(value, value.WhichOneof("kind"))
        result["metrics"] += [m.name.tag for m in data.experiment.metric_infos]
        if data.HasField("session_end_info"):
            result["status"].append(data.session_end_info.status)
print(json.dumps(result))
