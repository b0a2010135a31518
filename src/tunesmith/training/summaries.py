"""What TensorBoard shows of a run: the summaries that an events file is made of, with neither torch nor Lightning.

They are those that torch.utils.tensorboard makes, but its import takes .2 s, and a float passes through NumPy there.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.plugins.hparams.api_pb2 import Status
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo

# Names by which the plugins of TensorBoard find what is theirs.
_TEXT, _HPARAMS = "text", "hparams"
# Channels of an image.
_RGB = 3
_SESSION_START, _SESSION_END = "_hparams_/session_start_info", "_hparams_/session_end_info"


def scalars(values: Mapping[str, float]) -> Summary:
    """Return points of several curves, all at one step; values: by the curves' names."""
    return Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in values.items()])


def code(tag: str, text: str) -> Summary:
    """Return a text that is shown as a block of code: in Markdown, each line after four spaces."""
    return markdown(tag, "".join(f"    {line}\n" for line in text.splitlines()))


def markdown(tag: str, text: str) -> Summary:
    """Return a text that is shown as Markdown."""
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    tensor = TensorProto(dtype="DT_STRING", string_val=[text.encode()], tensor_shape=shape)
    return Summary(value=[Summary.Value(tag=f"{tag}/text_summary", metadata=_metadata(_TEXT), tensor=tensor)])


def image(tag: str, png: bytes) -> Summary:
    """Return a picture in colours, which a PNG file holds: its width and height stand at its bytes 16 and 20."""
    width, height = struct.unpack(">II", png[16:24])
    picture = Summary.Image(width=width, height=height, colorspace=_RGB, encoded_image_string=png)
    return Summary(value=[Summary.Value(tag=tag, image=picture)])


def hparams_session(params: Mapping[str, Any]) -> Summary:
    """Return start and end of one HPARAMS session; what is neither a number nor a text is shown as a text.

    No experiment is made: TensorBoard then makes its columns from the sessions of all trials. With an experiment it
    would make them from the first one that it finds.
    """
    start = SessionStartInfo()
    for name, value in params.items():
        if isinstance(value, bool | int | float):
            start.hparams[name].number_value = value
        else:
            start.hparams[name].string_value = str(value)
    end = SessionEndInfo(status=Status.STATUS_SUCCESS)
    parts = {_SESSION_START: {"session_start_info": start}, _SESSION_END: {"session_end_info": end}}
    return Summary(
        value=[
            Summary.Value(tag=tag, metadata=_metadata(_HPARAMS, HParamsPluginData(**content).SerializeToString()))
            for tag, content in parts.items()
        ]
    )


def _metadata(plugin: str, content: bytes = b"") -> SummaryMetadata:
    return SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=plugin, content=content))
