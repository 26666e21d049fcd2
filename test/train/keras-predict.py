"""What Keras predicts with a model.h5: [MODEL, ROWS, COPY]. ROWS is JSON {cell, drug}; the model is saved again to COPY."""
import json
import sys

import keras
import numpy as np

_, path, rows, copy = sys.argv
model = keras.models.load_model(path, compile=False)
with open(rows) as file:
    inputs = {name: np.array(x, dtype="float32") for name, x in json.load(file).items()}
auc = model.predict(inputs, verbose=0)
model.save(copy)
print(json.dumps({"auc": auc.ravel().tolist(), "parameters": model.count_params()}))
