"""FastAPI with a typed body, as its documentation has it."""

import numpy
from fastapi import FastAPI
from pydantic import BaseModel
from session import session

app = FastAPI()
MODEL = session()


class Tensor(BaseModel):
    name: str
    shape: list[int]
    datatype: str
    data: list[float]


class Request(BaseModel):
    inputs: list[Tensor]


@app.post("/v2/models/m/infer")
async def infer(request: Request):
    given = request.inputs[0]
    rows = numpy.asarray(given.data, dtype=numpy.float32).reshape(given.shape)
    found = MODEL.run(["probabilities"], {"input": rows})[0]
    output = {"name": "probabilities", "shape": list(found.shape), "datatype": "FP32", "data": found.ravel().tolist()}
    return {"model_name": "m", "outputs": [output]}
