use super::*;

fn json(text: &str, datatype: DataType) -> Result<Values, OipError> {
    let raw = RawValue::from_string(text.to_owned()).unwrap();
    from_json(&raw, datatype, 4, "input x")
}

#[test]
fn nested_and_flat_arrays_give_the_same_elements() {
    let wanted = Values::Fp64(vec![1.0, -2.5, 3e10, 0.1]);
    assert_eq!(
        json("[1, -2.5, 3e10, 0.1]", DataType::Fp64).unwrap(),
        wanted
    );
    assert_eq!(
        json("[[1, -2.5],\n [3e10, 0.1]]", DataType::Fp64).unwrap(),
        wanted
    );
}

#[test]
fn null_is_nan_where_there_is_one_and_refused_elsewhere() {
    let Values::Fp32(all) = json("[null]", DataType::Fp32).unwrap() else {
        panic!("not FP32");
    };
    assert!(all[0].is_nan());
    assert!(json("[null]", DataType::Int64).is_err());
}

#[test]
fn integers_stay_within_their_type() {
    assert!(json("[-128, 127]", DataType::Int8).is_ok());
    let error = json("[1, 128]", DataType::Int8).unwrap_err();
    assert_eq!(error.text, "input x: element 1 is 128, not INT8");
    assert!(json("[-1]", DataType::Uint64).is_err());
    assert!(json("[18446744073709551615]", DataType::Uint64).is_ok());
    assert!(json("[1.5]", DataType::Int32).is_err());
}

#[test]
fn texts_may_hold_what_separates_elements() {
    let wanted = vec![b"a,]\"".to_vec(), "\u{e9}".as_bytes().to_vec()];
    let got = json(r#"[["a,]\"", "\u00e9"]]"#, DataType::Bytes).unwrap();
    assert_eq!(got, Values::Bytes(wanted));
}

#[test]
fn a_float_is_read_to_the_nearest_of_its_own_type() {
    // Read as a double first, this would round twice, to the even neighbour below.
    let got = json("[1.00000005960464477539062500000000001]", DataType::Fp32).unwrap();
    assert_eq!(got, Values::Fp32(vec![1.000_000_1]));
}

#[test]
fn raw_elements_of_every_type_come_back_as_they_were() {
    for name in [
        "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16",
        "FP32", "FP64",
    ] {
        let kind = datatype(name).unwrap();
        let size = kind.size_bytes().unwrap();
        let bytes: Vec<u8> = (0..2 * size as u8).map(|it| it % 2).collect();
        let values = from_raw(&bytes, kind, "input x").unwrap();
        assert_eq!(values.len(), 2, "{name}");
        let mut out = Vec::new();
        write_raw(&mut out, &values, kind);
        assert_eq!(out, bytes, "{name}");
        assert_eq!(name_of(kind), name);
    }
    let bytes = b"\x02\0\0\0ab\0\0\0\0";
    let values = from_raw(bytes, DataType::Bytes, "input x").unwrap();
    let mut out = Vec::new();
    write_raw(&mut out, &values, DataType::Bytes);
    assert_eq!(out, bytes);
}

#[test]
fn raw_bytes_that_are_cut_short_are_refused() {
    assert!(from_raw(&[0; 5], DataType::Fp32, "input x").is_err());
    assert!(from_raw(b"\x09\0\0\0ab", DataType::Bytes, "input x").is_err());
    assert!(from_raw(b"\x09\0", DataType::Bytes, "input x").is_err());
}
