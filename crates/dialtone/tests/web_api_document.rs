//! The description of the API, for programs and for people, against the running server.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod account_support;
mod web_support;

use account_support::*;
use serde_json::{Value, json};
use web_support::Server;

/// What the document tells of: method, path, and the operation.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            all.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    all
}

/// A path with something in place of its names.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| match part.starts_with('{') {
        true => "AAAAAAAAAAAAAAAAAAAAAA",
        false => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn everything_in_the_document_is_there_and_refuses_as_it_says() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let document = server.get("/api/v1/openapi.json").json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let operations = operations(&document);
    assert!(operations.len() > 40, "{}", operations.len());
    assert_eq!(document["info"]["title"], "Dialtone");
    let names = operations
        .iter()
        .map(|(_, _, it)| it["operationId"].as_str().unwrap());
    let names: std::collections::BTreeSet<&str> = names.collect();
    assert_eq!(
        names.len(),
        operations.len(),
        "each has a name of its own: {names:?}"
    );
    for (method, path, operation) in &operations {
        let what = format!("{method} {path}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(operation["summary"].is_string(), "{what}");
        assert!(operation["tags"][0].is_string(), "{what}");
        for (status, response) in responses {
            let error = status.starts_with(['4', '5']);
            let shape = &response["content"]["application/json"]["schema"]["$ref"];
            assert_eq!(
                shape == "#/components/schemas/Error",
                error,
                "{what} {status}"
            );
            let text = response["description"].as_str().unwrap();
            assert!(
                !error || text.contains('`'),
                "{what} {status}: the code is not named"
            );
        }
        assert!(
            responses.contains_key("421") && responses.contains_key("503"),
            "{what}"
        );
        // As nobody, as somebody who may not, and with rubbish: each answer is announced.
        let path = filled(path);
        let takes = operation["requestBody"].is_object();
        let mut statuses = Vec::new();
        for browser in [&mut Browser::new(), &mut ben.clone()] {
            if path.ends_with("/logout") || method == "DELETE" && path.ends_with("/devices") {
                continue; // They would be done.
            }
            statuses.push(
                browser
                    .ask(&server, method, &path, takes.then(|| json!([])))
                    .status,
            );
        }
        if takes {
            let host = format!("localhost:{}", server.http.port());
            let kind = ("Content-Type", "text/plain".to_owned());
            let cookie = ("Cookie", ada.cookie.clone().unwrap());
            let answer = send(
                &server,
                method,
                &path,
                &[("Host", host), kind, cookie],
                b"{}",
            );
            assert!([404, 415].contains(&answer.status), "{what} {answer:?}");
            assert!(
                responses.contains_key("413") && responses.contains_key("415"),
                "{what}"
            );
        }
        for status in statuses {
            assert!(
                responses.contains_key(&status.to_string()),
                "{what} {status}"
            );
            assert_ne!(status, 405, "{what}");
        }
    }
    ben.me(&server);
}

#[test]
fn each_door_that_needs_an_account_says_so() {
    let server = Server::start();
    let document = server.get("/api/v1/openapi.json").json();
    for (method, path, operation) in operations(&document) {
        let open = [
            "/server",
            "/health",
            "/tickets",
            "/check",
            "/login",
            "/accounts",
            "/invitations/look",
            "/logout",
        ];
        let tail = path.strip_prefix("/api/v1").unwrap();
        let is_open = open
            .iter()
            .any(|door| tail == *door || tail.starts_with(&format!("{door}/passkey")));
        let answer = Browser::new().ask(&server, &method, &filled(&path), Some(json!({})));
        assert_eq!(is_open, answer.status != 401, "{method} {path} {answer:?}");
        let announced = operation["responses"]["401"]["description"]
            .as_str()
            .unwrap_or_default();
        assert!(
            is_open || announced.contains("`signed_out`"),
            "{method} {path}"
        );
    }
}

#[test]
fn the_page_shows_the_same_and_needs_nothing_from_elsewhere() {
    let server = Server::start();
    let page = server.get("/api");
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    for (method, path, _) in operations(&server.get("/api/v1/openapi.json").json()) {
        assert!(
            page.body.contains(&format!("<b>{method}</b> {path}<")),
            "{method} {path}"
        );
    }
    for forbidden in ["<script", " style=", "<style", "http://", "javascript:"] {
        assert!(!page.body.contains(forbidden), "{forbidden}");
    }
    for reference in page.body.split("href=\"").skip(1) {
        let target = reference.split('"').next().unwrap();
        match target.strip_prefix('#') {
            Some(anchor) => assert!(page.body.contains(&format!("id=\"{anchor}\"")), "{target}"),
            None => assert_eq!(server.get(target).status, 200, "{target}"),
        }
    }
    let style = server.get("/api/style.css");
    assert!(
        style
            .header("content-type")
            .unwrap()
            .starts_with("text/css")
    );
}

#[test]
fn what_is_not_there_says_so_in_json() {
    let server = Server::start();
    for path in ["/api/v1/nothing", "/api/v2/me", "/api/x", "/api/v1/me/"] {
        let answer = server.get(path);
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (404, &json!("not_found")),
            "{path}"
        );
    }
    let answer = server.request("DELETE", "/api/v1/server", &[("Content-Length", "0")]);
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (405, &json!("wrong_method"))
    );
}
