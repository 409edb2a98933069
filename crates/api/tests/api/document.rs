use std::{collections::HashSet, fs};

use serde_json::Value;

use crate::app::App;

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api/openapi.json");
const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

fn document() -> Value {
    serde_json::from_str(&api::openapi_json()).unwrap()
}

fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &'_ Value)| -> Vec<(String, Value)> {
        let of = |method: &&str| {
            item.get(*method)
                .map(|it| (format!("{method} {path}"), it.clone()))
        };
        METHODS.iter().filter_map(of).collect()
    };
    let names: Vec<_> = paths
        .iter()
        .flat_map(of_path)
        .map(|(name, _)| name)
        .collect();
    let find = |name: String| {
        let (method, path) = name.split_once(' ').unwrap();
        let operation = &document["paths"][path][method];
        (name.clone(), operation)
    };
    names.into_iter().map(find).collect()
}

#[test]
fn the_committed_document_is_the_one_the_code_makes() {
    let made = api::openapi_json();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(COMMITTED, &made).unwrap();
    }
    let committed = fs::read_to_string(COMMITTED).unwrap_or_default();
    assert!(
        committed == made,
        "docs/api/openapi.json is stale: run `UPDATE=1 cargo nextest run -p api document`"
    );
}

#[tokio::test]
async fn the_served_document_is_the_committed_one() {
    let app = App::open().await;
    let served = app.get("/openapi.json").await;
    assert_eq!(String::from_utf8(served.body).unwrap(), api::openapi_json());
}

#[test]
fn every_operation_is_described_secured_and_names_its_problems() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let operations = operations(&document);
    assert_eq!(operations.len(), 68);
    let mut ids = HashSet::new();
    for (name, operation) in operations {
        for field in ["summary", "description", "operationId"] {
            assert!(
                operation[field].as_str().is_some_and(|it| !it.is_empty()),
                "{name}: {field}"
            );
        }
        assert!(ids.insert(operation["operationId"].clone()), "{name}");
        assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{name}");
        assert!(operation["security"].is_array(), "{name}");
        let responses = operation["responses"].as_object().unwrap();
        let good = responses.get("200").or(responses.get("201"));
        assert!(good.unwrap()["content"].is_object(), "{name}");
        for status in ["400", "421", "500", "503"] {
            assert!(responses.contains_key(status), "{name}: {status}");
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{name}: {parameter}");
        }
        let body = &operation["requestBody"]["content"];
        if body["application/json"].is_object() {
            for status in ["401", "403", "409", "413", "415", "422"] {
                // A key counts or does not: that is 401.
                let is_there = responses.contains_key(status) || name == "post /v1/session";
                assert!(is_there, "{name}: {status}");
            }
        }
    }
}

#[test]
fn a_session_stands_wherever_a_key_does_but_for_tickets() {
    let document = document();
    for (name, operation) in operations(&document) {
        let security = operation["security"].as_array().unwrap();
        let scopes = |scheme: &str| {
            let mut by = security.iter().filter_map(|it| it.get(scheme));
            by.next().cloned()
        };
        if name == "post /v1/live/tickets" {
            assert_eq!(scopes("session"), None, "{name}");
        } else if scopes("bearer").is_some() {
            assert_eq!(scopes("session"), scopes("bearer"), "{name}");
        }
        assert_eq!(scopes("api_key"), scopes("bearer"), "{name}");
    }
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    let document = document();
    let mut open = vec![&document];
    let mut references = 0;
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                    references += 1;
                }
                open.extend(members.values());
            }
            Value::Array(entries) => open.extend(entries),
            _ => {}
        }
    }
    assert!(references > 50);
}

/// Generators of clients make one class of an `allOf`, which two members of one name have no place in.
#[test]
fn no_schema_is_put_together_of_members_of_one_name() {
    let document = document();
    let named = |schema: &'_ Value| -> Vec<String> {
        let pointer = schema["$ref"].as_str().and_then(|it| it.strip_prefix('#'));
        let schema = pointer.map_or(schema, |it| document.pointer(it).unwrap());
        let properties = schema["properties"].as_object().into_iter().flatten();
        properties.map(|(name, _)| name.clone()).collect()
    };
    let mut open = vec![&document];
    let mut found = 0;
    while let Some(value) = open.pop() {
        if let Some(parts) = value.get("allOf").and_then(Value::as_array) {
            let names: Vec<String> = parts.iter().flat_map(named).collect();
            let once: HashSet<&String> = names.iter().collect();
            assert_eq!(once.len(), names.len(), "{names:?}");
            found += 1;
        }
        match value {
            Value::Object(members) => open.extend(members.values()),
            Value::Array(entries) => open.extend(entries),
            _ => {}
        }
    }
    assert!(found > 0);
}

#[test]
fn every_body_of_entries_says_that_it_takes_no_others() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if name.starts_with("Batch_") || name == "PredictionBatch" {
            assert_eq!(schema["additionalProperties"], false, "{name}");
        }
    }
}

#[test]
fn every_field_of_every_schema_is_described() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for (field, value) in schema["properties"].as_object().into_iter().flatten() {
            let variants = value["oneOf"].as_array().into_iter().flatten();
            let described = std::iter::once(value)
                .chain(variants)
                .any(|it| it["description"].is_string() || it["$ref"].is_string());
            assert!(described, "{name}.{field}");
        }
    }
}
