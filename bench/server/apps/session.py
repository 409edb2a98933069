"""The model as every peer but MLServer runs it: ONNX Runtime, one thread."""

import os

import onnxruntime

FEATURES = 30


def session():
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
