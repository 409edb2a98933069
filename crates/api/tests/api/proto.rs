use std::fs;

const CRATE: &str = env!("CARGO_MANIFEST_DIR");
const FIRST_LINE: &str = "// Generated from proto/open_inference.proto; do not edit. \
                          `UPDATE=1 cargo nextest run -p api proto` writes it anew.\n";

#[test]
fn the_committed_protocol_code_is_what_the_proto_file_makes() {
    let proto = format!("{CRATE}/proto");
    let files = protox::compile(["open_inference.proto"], [&proto]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    tonic_prost_build::configure()
        .build_client(false)
        .build_transport(false)
        .disable_comments(["."])
        .bytes(".inference.ModelInferRequest.raw_input_contents")
        .out_dir(folder.path())
        .compile_fds(files)
        .unwrap();
    let made = fs::read_to_string(folder.path().join("inference.rs")).unwrap();
    let made = format!("{FIRST_LINE}{made}");
    let committed = format!("{CRATE}/src/oip/grpc/generated.rs");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&committed, &made).unwrap();
    }
    assert!(
        fs::read_to_string(&committed).unwrap_or_default() == made,
        "src/oip/grpc/generated.rs is stale: run `UPDATE=1 cargo nextest run -p api proto`"
    );
}
