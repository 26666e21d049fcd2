"""What onnxruntime predicts with a model: [MODEL, ROWS]. ROWS is JSON {cell, drug}. Checked by onnx where it is there."""
import json
import sys

import numpy as np
import onnxruntime

_, path, rows = sys.argv
session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
with open(rows) as file:
    inputs = {name: np.array(x, dtype="float32") for name, x in json.load(file).items()}
(auc,) = session.run(None, inputs)
try:
    import onnx

    onnx.checker.check_model(path, full_check=True)
    checked = True
except ModuleNotFoundError:
    checked = False
print(
    json.dumps(
        {
            "auc": auc.ravel().tolist(),
            "inputs": {i.name: i.shape for i in session.get_inputs()},
            "outputs": {o.name: o.shape for o in session.get_outputs()},
            "metadata": session.get_modelmeta().custom_metadata_map,
            "checked": checked,
        }
    )
)
