"""Triton's front end with its dynamic batcher, by PyTriton: pytriton_app.py PORT (and two after it)."""

import sys

import numpy
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig
from session import FEATURES, session

MODEL = session()


@batch
def infer(input):
    return {"probabilities": MODEL.run(["probabilities"], {"input": input})[0]}


def main(port):
    addresses = {
        "http_port": port,
        "grpc_port": port + 1,
        "metrics_port": port + 2,
        "http_address": "127.0.0.1",
        "grpc_address": "127.0.0.1",
    }
    with Triton(config=TritonConfig(log_verbose=0, **addresses)) as triton:
        triton.bind(
            "m",
            infer,
            inputs=[Tensor(name="input", dtype=numpy.float32, shape=(FEATURES,))],
            outputs=[Tensor(name="probabilities", dtype=numpy.float32, shape=(2,))],
            config=ModelConfig(max_batch_size=64, batcher=DynamicBatcher(max_queue_delay_microseconds=0)),
        )
        triton.serve()


if __name__ == "__main__":
    main(int(sys.argv[1]))
