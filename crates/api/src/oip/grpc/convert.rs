//! Between the messages of the wire and what the server of models speaks.

use std::collections::HashMap;

use engine::serving::{
    DataType, InferReply, InferRequest, ModelMetadata, StatisticsView, Tensor, TensorSpec, Values,
};
use jiff::Timestamp;

use super::{
    super::{
        answer::{Note, Notes},
        error::OipError,
        models::{Config, ConfigTensor, last_inference_ms},
        repository::Line,
        request::{Parameter, Wishes, elements, tensor},
        values,
    },
    generated::{
        self as wire, InferParameter, InferStatistics, InferTensorContents, ModelInferRequest,
        ModelInferResponse, ModelMetadataResponse, ModelStatistics, StatisticDuration,
        infer_parameter::ParameterChoice, model_infer_request::InferInputTensor,
        model_infer_response::InferOutputTensor, model_metadata_response::TensorMetadata,
        repository_index_response::ModelIndex,
    },
};

/// Reads a request; either every input is raw or none is.
pub(super) fn request(asked: ModelInferRequest) -> Result<InferRequest, OipError> {
    let mut wishes = Wishes::default();
    for (name, value) in &asked.parameters {
        wishes.take(name, parameter(value))?;
    }
    let raw = &asked.raw_input_contents;
    if !raw.is_empty() && raw.len() != asked.inputs.len() {
        let (raw, inputs) = (raw.len(), asked.inputs.len());
        return Err(OipError::bad(format!(
            "{raw} raw_input_contents for {inputs} inputs"
        )));
    }
    let mut inputs = Vec::with_capacity(asked.inputs.len());
    for (at, input) in asked.inputs.into_iter().enumerate() {
        inputs.push(read(input, raw.get(at).map(AsRef::as_ref))?);
    }
    let mut outputs = Vec::with_capacity(asked.outputs.len());
    for output in asked.outputs {
        let place = format!("output {}", output.name);
        refuse_shared_memory(&output.parameters, &place)?;
        let classes = output.parameters.get("classification");
        if classes.is_some_and(|it| !matches!(parameter(it), Parameter::Number(0))) {
            return Err(OipError::bad(format!(
                "{place}: the classification extension is not there"
            )));
        }
        outputs.push(output.name);
    }
    let version = wishes.version(Some(&asked.model_version))?;
    Ok(InferRequest {
        model: asked.model_name,
        version,
        inputs,
        outputs,
        priority: wishes.priority,
        deadline: wishes.deadline(),
        key: wishes.key,
        explain: wishes.explain,
    })
}

fn parameter(value: &InferParameter) -> Parameter<'_> {
    match &value.parameter_choice {
        Some(ParameterChoice::BoolParam(it)) => Parameter::Bool(*it),
        Some(ParameterChoice::Int64Param(it)) => {
            u64::try_from(*it).map_or(Parameter::Other, Parameter::Number)
        }
        Some(ParameterChoice::Uint64Param(it)) => Parameter::Number(*it),
        Some(ParameterChoice::StringParam(it)) => Parameter::Text(it),
        Some(ParameterChoice::DoubleParam(_)) | None => Parameter::Other,
    }
}

fn refuse_shared_memory(
    parameters: &HashMap<String, InferParameter>,
    name: &str,
) -> Result<(), OipError> {
    if parameters.contains_key("shared_memory_region") {
        return Err(OipError::bad(format!(
            "{name}: the shared memory extension is not there"
        )));
    }
    Ok(())
}

fn read(input: InferInputTensor, raw: Option<&[u8]>) -> Result<Tensor, OipError> {
    let place = format!("input {}", input.name);
    refuse_shared_memory(&input.parameters, &place)?;
    let datatype = values::datatype(&input.datatype).ok_or_else(|| {
        OipError::bad(format!("{place}: datatype {} is not known", input.datatype))
    })?;
    let shape: Result<Vec<u64>, _> = input.shape.iter().map(|it| u64::try_from(*it)).collect();
    let shape =
        shape.map_err(|_| OipError::bad(format!("{place}: shape has a negative dimension")))?;
    elements(&shape, &place)?;
    let values = match (raw, input.contents) {
        (Some(raw), None) => values::from_raw(raw, datatype, &place)?,
        (None, contents) => typed(contents.unwrap_or_default(), datatype, &place)?,
        (Some(_), Some(_)) => {
            return Err(OipError::bad(format!(
                "{place}: contents and raw_input_contents are both there"
            )));
        }
    };
    tensor(input.name, datatype, shape, values)
}

/// Takes the field of `contents` that the type's elements travel in.
fn typed(
    contents: InferTensorContents,
    datatype: DataType,
    place: &str,
) -> Result<Values, OipError> {
    let (low, high) = values::bounds(datatype);
    let values = match datatype {
        DataType::Bool => Values::Bool(contents.bool_contents),
        DataType::Int8 | DataType::Int16 | DataType::Int32 => {
            let all = contents.int_contents.into_iter();
            Values::Int64(all.map(i64::from).collect())
        }
        DataType::Int64 => Values::Int64(contents.int64_contents),
        DataType::Uint8 | DataType::Uint16 | DataType::Uint32 => {
            let all = contents.uint_contents.into_iter();
            Values::Uint64(all.map(u64::from).collect())
        }
        DataType::Uint64 => Values::Uint64(contents.uint64_contents),
        DataType::Fp16 => {
            return Err(OipError::bad(format!(
                "{place}: FP16 travels in raw_input_contents only"
            )));
        }
        DataType::Fp32 => Values::Fp32(contents.fp32_contents),
        DataType::Fp64 => Values::Fp64(contents.fp64_contents),
        DataType::Bytes => Values::Bytes(contents.bytes_contents),
    };
    let fits = match &values {
        Values::Int64(all) => all
            .iter()
            .all(|it| *it >= low && (*it < 0 || it.unsigned_abs() <= high)),
        Values::Uint64(all) => all.iter().all(|it| *it <= high),
        _ => true,
    };
    if fits {
        Ok(values)
    } else {
        let name = values::name_of(datatype);
        Err(OipError::bad(format!(
            "{place}: an element does not fit {name}"
        )))
    }
}

/// Writes an answer; its outputs are raw, as Triton's are.
pub(super) fn reply(reply: InferReply, id: String) -> ModelInferResponse {
    let mut raw_output_contents = Vec::with_capacity(reply.outputs.len());
    let mut outputs = Vec::with_capacity(reply.outputs.len());
    let parameters = Notes::of(&reply).named().map(|(name, note)| {
        let choice = match note {
            Note::Text(it) => ParameterChoice::StringParam(it.to_owned()),
            Note::Flag(it) => ParameterChoice::BoolParam(it),
        };
        let parameter = InferParameter {
            parameter_choice: Some(choice),
        };
        (name.to_owned(), parameter)
    });
    let parameters = parameters.collect();
    for tensor in reply.outputs {
        let mut raw = Vec::new();
        values::write_raw(&mut raw, &tensor.values, tensor.datatype);
        raw_output_contents.push(raw);
        outputs.push(InferOutputTensor {
            name: tensor.name,
            datatype: values::name_of(tensor.datatype).to_owned(),
            shape: tensor.shape.iter().map(|it| *it as i64).collect(),
            parameters: HashMap::new(),
            contents: None,
        });
    }
    ModelInferResponse {
        model_name: reply.model.to_string(),
        model_version: reply.version.to_string(),
        id,
        parameters,
        outputs,
        raw_output_contents,
    }
}

/// A model's metadata.
pub(super) fn metadata(found: ModelMetadata) -> ModelMetadataResponse {
    let tensors = |specs: Vec<TensorSpec>| {
        let one = |it: TensorSpec| TensorMetadata {
            name: it.name,
            datatype: values::name_of(it.datatype).to_owned(),
            shape: it.shape,
        };
        specs.into_iter().map(one).collect()
    };
    ModelMetadataResponse {
        name: found.name,
        versions: found.versions.iter().map(ToString::to_string).collect(),
        platform: found.platform,
        inputs: tensors(found.signature.inputs),
        outputs: tensors(found.signature.outputs),
    }
}

/// A model's configuration.
pub(super) fn config(config: Config) -> wire::ModelConfig {
    let kind = |it: &ConfigTensor| {
        let kind = wire::DataType::from_str_name(&it.data_type);
        kind.unwrap_or_default().into()
    };
    let input = |it: ConfigTensor| wire::ModelInput {
        data_type: kind(&it),
        name: it.name,
        dims: it.dims,
    };
    let output = |it: ConfigTensor| wire::ModelOutput {
        data_type: kind(&it),
        name: it.name,
        dims: it.dims,
    };
    wire::ModelConfig {
        name: config.name,
        platform: config.platform,
        backend: config.backend,
        max_batch_size: i32::try_from(config.max_batch_size).unwrap_or(i32::MAX),
        input: config.input.into_iter().map(input).collect(),
        output: config.output.into_iter().map(output).collect(),
    }
}

/// What a version has done.
pub(super) fn statistics(view: StatisticsView, now: Timestamp) -> ModelStatistics {
    let spent = |count, ns| Some(StatisticDuration { count, ns });
    let answered = view.success_count;
    let batch = |(batch_size, times)| wire::InferBatchStatistics {
        batch_size,
        compute_infer: spent(times, 0),
        ..wire::InferBatchStatistics::default()
    };
    ModelStatistics {
        last_inference: last_inference_ms(&view, now),
        name: view.name,
        version: view.version.to_string(),
        inference_count: view.inference_count,
        execution_count: view.execution_count,
        inference_stats: Some(InferStatistics {
            success: spent(answered, view.success_ns),
            fail: spent(view.fail_count, view.fail_ns),
            queue: spent(answered, view.queue_ns),
            compute_input: spent(answered, 0),
            compute_infer: spent(answered, view.compute_infer_ns),
            compute_output: spent(answered, view.compute_output_ns),
            cache_hit: spent(view.cache_hit_count, 0),
            cache_miss: spent(view.cache_miss_count, 0),
        }),
        batch_stats: view.batches.into_iter().map(batch).collect(),
    }
}

/// A line of the index.
pub(super) fn line(line: Line) -> ModelIndex {
    ModelIndex {
        name: line.name,
        version: line.version,
        state: line.state.to_owned(),
        reason: line.reason,
    }
}
