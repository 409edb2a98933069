"""BentoML, one worker."""

import typing

import bentoml
import numpy
from session import FEATURES, session


@bentoml.service(workers=1, traffic={"timeout": 30})
class Service:
    def __init__(self):
        self.session = session()

    @bentoml.api(route="/v2/models/m/infer")
    def infer(self, inputs: list[dict[str, typing.Any]]) -> dict[str, typing.Any]:
        rows = numpy.asarray(inputs[0]["data"], dtype=numpy.float32).reshape(-1, FEATURES)
        found = self.session.run(["probabilities"], {"input": rows})[0]
        return {"outputs": [{"name": "probabilities", "data": found.ravel().tolist()}]}
