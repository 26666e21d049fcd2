"""All that h5py sees in an HDF5 file, as JSON: text attributes, and datasets with their bytes in base64."""
import base64
import json
import sys

import h5py


def text(value):
    return value.decode() if isinstance(value, bytes) else value


attributes, datasets, strings = {}, {}, {}


def visit(name, item):
    for key, value in item.attrs.items():
        listed = [text(v) for v in value] if hasattr(value, "tolist") else text(value)
        attributes[f"{name}@{key}"] = listed
    if isinstance(item, h5py.Dataset) and h5py.check_string_dtype(item.dtype):
        strings[name] = [text(v) for v in item[()]]
    elif isinstance(item, h5py.Dataset):
        data = base64.b64encode(item[()].tobytes()).decode()
        datasets[name] = {"dtype": item.dtype.str, "shape": item.shape, "data": data}


with h5py.File(sys.argv[1], "r") as file:
    visit("", file)
    file.visititems(visit)
print(json.dumps({"attributes": attributes, "datasets": datasets, "strings": strings}))
