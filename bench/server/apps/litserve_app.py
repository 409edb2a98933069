"""LitServe, one worker, without batching: litserve_app.py PORT."""

import sys

import litserve
import numpy
from session import FEATURES, session


class Model(litserve.LitAPI):
    def setup(self, device):
        self.session = session()

    def decode_request(self, request):
        return numpy.asarray(request["inputs"][0]["data"], dtype=numpy.float32)

    def predict(self, values):
        return self.session.run(["probabilities"], {"input": values.reshape(-1, FEATURES)})[0]

    def encode_response(self, output):
        return {"outputs": [{"name": "probabilities", "data": numpy.asarray(output).ravel().tolist()}]}


if __name__ == "__main__":
    server = litserve.LitServer(Model(), accelerator="cpu", workers_per_device=1, timeout=30)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
