use super::*;
use crate::oip::request::json;

/// Both readers' tensors, as texts that tell NaN and −0 apart.
fn both(text: &str, raw: &[u8]) -> (Option<String>, Option<String>) {
    let quick = read(text.as_bytes(), raw).map(|it| format!("{it:?}"));
    let slow = json::read(text.as_bytes(), raw).ok();
    (quick, slow.map(|it| format!("{it:?}")))
}

/// Taken, and read as the other reader reads it.
fn taken(text: &str, raw: &[u8]) {
    let (quick, slow) = both(text, raw);
    assert!(quick.is_some(), "left alone: {text}");
    assert_eq!(quick, slow, "{text}");
}

/// Left to the other reader.
fn left(text: &str) {
    assert_eq!(both(text, &[]).0, None, "taken: {text}");
}

fn asked(data: &str, count: usize, datatype: &str) -> String {
    format!(
        r#"{{"inputs":[{{"name":"input","shape":[1,{count}],"datatype":"{datatype}","data":{data}}}]}}"#
    )
}

#[test]
fn what_clients_write_is_taken() {
    taken(&asked("[1,2.5,-3]", 3, "FP64"), &[]);
    taken(&asked(" [ [ 1 , 2 ] , [ 3, null ] ] ", 4, "FP32"), &[]);
    taken(
        r#" {"id": "7", "inputs": [{"name": "x", "shape": [2], "datatype": "INT32",
        "parameters": {"binary_data_size": 8}}], "outputs": [{"name": "p", "parameters":
        {"binary_data": true}}, {"name": "q"}], "parameters": {"binary_data_output": true,
        "priority": 3, "routing_key": "k"}} "#,
        &[1, 0, 0, 0, 2, 0, 0, 0],
    );
    taken(
        r#"{"parameters": {}, "inputs": [{"name": "ü", "shape": [1], "datatype": "FP64",
        "data": [0]}], "id": ""}"#,
        &[],
    );
}

#[test]
fn every_number_is_rounded_as_the_other_reader_rounds_it() {
    let numbers = [
        "0",
        "-0",
        "-0.0",
        "1e5",
        "1E-5",
        "1.5e+3",
        "123456789012345678901234567890",
        "1e400",
        "-1e400",
        "1e-400",
        "9007199254740993",
        "0.1",
        "16777217",
        "16777217.0000001",
        "1.00000005960464477539",
        "1.0000000596046448",
        "8388609.5",
        "4.9e-324",
        "1e-45",
        "3.4028236e38",
        "0.00000000000000000000000001",
        "1234567890123456789",
        "12345678901234567890",
        "0.1000000000000000055511151231257827021181583404541015625",
    ];
    for number in numbers {
        for datatype in ["FP32", "FP64"] {
            taken(&asked(&format!("[{number}]"), 1, datatype), &[]);
        }
    }
    let mut state = 1_u64;
    for _ in 0..20_000 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let (digits, places) = (state >> 11, state % 18);
        let number = digits as f64 / 10_f64.powi(i32::try_from(places).unwrap());
        let short = format!("{number:.*}", (state % 7) as usize);
        taken(&asked(&format!("[{number},{short}]"), 2, "FP32"), &[]);
        taken(&asked(&format!("[{number},{short}]"), 2, "FP64"), &[]);
    }
}

#[test]
fn what_is_not_json_or_not_known_well_is_left_alone() {
    for data in [
        "[01]", "[1.]", "[.5]", "[+1]", "[1e]", "[1e+]", "[-]", "[NaN]", "[1,]", "[,1]", "[1 2]",
        "[]", "[\"1\"]", "[true]", "1", "[[[1]]]", "[nul]", "[1", "{}", "null", "[1,2]",
    ] {
        left(&asked(data, 1, "FP64"));
    }
    left(&asked("[1]", 1, "INT64"));
    left(&asked("[1]", 1, "FP8"));
    for text in [
        "",
        "{",
        "[]",
        "{}",
        r#"{"inputs": []}"#,
        r#"{"inputs": [{"name": "x"}]}"#,
        r#"{"inputs": [{"name": "x\u0041", "shape": [1], "datatype": "FP64", "data": [1]}]}"#,
        r#"{"inputs": [{"shape": [1], "name": "x", "data": [1], "datatype": "FP64"}]}"#,
        r#"{"inputs": [{"name": "x", "shape": [01], "datatype": "FP64", "data": [1]}]}"#,
        r#"{"inputs": [{"name": "x", "shape": [1.0], "datatype": "FP64", "data": [1]}]}"#,
        r#"{"inputs": [{"name": "x", "name": "x", "shape": [1], "datatype": "FP64", "data": [1]}]}"#,
        r#"{"inputs": [{"name": "x", "shape": [4294967296, 4294967296], "datatype": "FP64", "data": [1]}]}"#,
        r#"{"inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [1]}]} x"#,
        r#"{"inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [1]}], "more": 1}"#,
        r#"{"inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [1]}], "id": 7}"#,
    ] {
        left(text);
    }
}

#[test]
fn raw_bytes_that_do_not_fit_are_left_alone() {
    let of = |size: &str| {
        format!(
            r#"{{"inputs":[{{"name":"x","shape":[2],"datatype":"FP32","parameters":{{"binary_data_size":{size}}}}}]}}"#
        )
    };
    assert!(read(of("8").as_bytes(), &[0; 8]).is_some());
    for (size, raw) in [
        ("8", 7),
        ("8", 9),
        ("7", 7),
        ("4", 4),
        ("-8", 8),
        ("18446744073709551616", 8),
    ] {
        assert!(
            read(of(size).as_bytes(), &vec![0; raw]).is_none(),
            "{size} {raw}"
        );
    }
}
