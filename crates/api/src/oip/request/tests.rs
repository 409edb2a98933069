use engine::serving::Values;

use super::*;

fn read_json(text: &str) -> Result<Asked, OipError> {
    read(text.as_bytes(), None, "m".to_owned(), None)
}

#[test]
fn parameters_say_how_soon_and_which_version() {
    let asked = read_json(
        r#"{"id": "7", "inputs": [], "parameters":
        {"priority": 1, "timeout": 5000000, "version_label": "canary", "strange": [1]}}"#,
    );
    let asked = asked.unwrap();
    assert_eq!(asked.id.as_deref(), Some("7"));
    assert_eq!(asked.request.priority, 1);
    assert!(asked.request.deadline.unwrap() > Instant::now());
    let label = VersionRef::Label("canary".to_owned());
    assert_eq!(asked.request.version, label);
}

#[test]
fn a_label_beside_a_version_is_refused() {
    let text = br#"{"inputs": [], "parameters": {"version_label": "canary"}}"#;
    assert!(read(text, None, "m".to_owned(), Some("2")).is_err());
}

#[test]
fn raw_bytes_go_to_the_inputs_in_order() {
    let json = r#"{"inputs": [
        {"name": "a", "shape": [1], "datatype": "INT32", "parameters": {"binary_data_size": 4}},
        {"name": "b", "shape": [2], "datatype": "UINT8", "parameters": {"binary_data_size": 2}}],
        "outputs": [{"name": "p", "parameters": {"binary_data": true}}, {"name": "q"}]}"#;
    let mut body = json.as_bytes().to_vec();
    body.extend_from_slice(&[5, 0, 0, 0, 8, 9]);
    let asked = read(&body, Some(json.len()), "m".to_owned(), None).unwrap();
    assert_eq!(asked.request.inputs[0].values, Values::Int64(vec![5]));
    assert_eq!(asked.request.inputs[1].values, Values::Uint64(vec![8, 9]));
    assert!(asked.format.is_raw("p") && !asked.format.is_raw("q"));
    body.push(0);
    let error = read(&body, Some(json.len()), "m".to_owned(), None).unwrap_err();
    assert_eq!(error.text, "1 bytes after the JSON belong to no input");
    body.truncate(json.len() + 5);
    assert!(read(&body, Some(json.len()), "m".to_owned(), None).is_err());
    assert!(read(&body, Some(body.len() + 1), "m".to_owned(), None).is_err());
}

#[test]
fn a_number_that_json_does_not_have_is_refused_with_what_to_send() {
    let said = |id: &str, data: &str| {
        let input = format!(r#"{{"name":"a","shape":[2],"datatype":"FP32","data":[1.5,{data}]}}"#);
        let error = read_json(&format!(r#"{{"id":"{id}","inputs":[{input}]}}"#)).unwrap_err();
        assert!(error.text.starts_with("the request cannot be read: "));
        error.text.split_once("; ").map(|it| it.1.to_owned())
    };
    let nan = "JSON has no NaN: send null for it, or binary data";
    assert_eq!(said("7", "NaN").as_deref(), Some(nan));
    for data in ["Infinity", "-Infinity"] {
        let infinity = "JSON has no Infinity: send binary data";
        assert_eq!(said("7", data).as_deref(), Some(infinity));
    }
    // Within a text it is no number.
    assert_eq!(said(r#"NaN \" Infinity"#, "nul"), None);
}

#[test]
fn a_shape_too_large_to_count_is_refused() {
    assert!(elements(&[u64::MAX, 2], "x").is_err());
    assert!(elements(&[], "x").is_err());
    assert!(elements(&[1; DIMENSIONS_MAX + 1], "x").is_err());
}
