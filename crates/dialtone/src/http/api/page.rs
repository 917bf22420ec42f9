//! The description of the API for people: one page without script, made from the same document.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::response::Html;
use axum::routing::get;
use serde_json::{Map, Value};
use utoipa::openapi::OpenApi;

use crate::http::Shared;

const STYLE: &str = include_str!("page.css");

/// `GET /api`, and the style of that page.
pub fn routes(document: &OpenApi) -> Router<Arc<Shared>> {
    let page: Arc<str> = write(document).into();
    let page = move || {
        let page = page.clone();
        async move { Html(page.to_string()) }
    };
    let style = || async { ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE) };
    Router::new()
        .route("/api", get(page))
        .route("/api/style.css", get(style))
}

fn write(document: &OpenApi) -> String {
    let document = serde_json::to_value(document).unwrap_or_default();
    let mut page = Page::default();
    page.head(&document["info"]);
    let operations = operations(&document);
    page.contents(&operations);
    for operation in &operations {
        page.operation(operation);
    }
    page.raw("<h2 id=\"shapes\">Shapes</h2>");
    for (name, shape) in entries(&document["components"]["schemas"]) {
        page.shape(name, shape);
    }
    page.raw("</main></body></html>");
    page.html
}

/// One thing that can be asked for.
struct Operation<'a> {
    topic: &'a str,
    method: String,
    path: &'a str,
    value: &'a Value,
}

impl Operation<'_> {
    fn anchor(&self) -> String {
        let path = self.path.replace(['/', '{', '}', '.'], "-");
        format!("{}{path}", self.method.to_lowercase())
    }
}

/// By topic, in the order in which topics come first.
fn operations(document: &Value) -> Vec<Operation<'_>> {
    let mut all = Vec::new();
    for (path, methods) in entries(&document["paths"]) {
        for (method, value) in entries(methods) {
            all.push(Operation {
                topic: value["tags"][0].as_str().unwrap_or("Other"),
                method: method.to_uppercase(),
                path,
                value,
            });
        }
    }
    all.sort_by_key(|operation| operation.topic);
    all
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    value.as_object().unwrap_or(&NONE).iter()
}

#[derive(Default)]
struct Page {
    html: String,
}

impl Page {
    fn raw(&mut self, html: &str) {
        self.html.push_str(html);
        self.html.push('\n');
    }

    fn head(&mut self, info: &Value) {
        self.raw(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>Dialtone: the API</title><link rel=\"stylesheet\" href=\"/api/style.css\"></head>\
             <body><main><h1>The API of Dialtone</h1>",
        );
        self.paragraphs(&info["description"]);
        self.raw(
            "<p>For programs: <a href=\"/api/v1/openapi.json\">openapi.json</a> (OpenAPI 3.1).</p>",
        );
    }

    fn paragraphs(&mut self, text: &Value) {
        for paragraph in text.as_str().unwrap_or_default().split("\n\n") {
            self.raw(&format!("<p>{}</p>", prose(paragraph)));
        }
    }

    fn contents(&mut self, operations: &[Operation]) {
        let mut topic = "";
        self.raw("<nav aria-label=\"Contents\">");
        for operation in operations {
            if operation.topic != topic {
                let end = if topic.is_empty() { "" } else { "</ul>" };
                topic = operation.topic;
                self.raw(&format!("{end}<h2>{}</h2><ul>", escape(topic)));
            }
            self.raw(&format!(
                "<li><a href=\"#{}\"><code><b>{}</b> {}</code></a></li>",
                operation.anchor(),
                operation.method,
                escape(operation.path)
            ));
        }
        self.raw("</ul></nav>");
    }

    fn operation(&mut self, operation: &Operation) {
        let value = operation.value;
        self.raw(&format!(
            "<section id=\"{}\"><h3><code><b>{}</b> {}</code></h3>",
            operation.anchor(),
            operation.method,
            escape(operation.path)
        ));
        self.paragraphs(&value["summary"]);
        if value["description"].is_string() {
            self.paragraphs(&value["description"]);
        }
        let parameters = value["parameters"].as_array();
        for parameter in parameters.into_iter().flatten() {
            self.raw(&format!(
                "<p><code>{}</code> ({}): {}</p>",
                escape(parameter["name"].as_str().unwrap_or_default()),
                escape(parameter["in"].as_str().unwrap_or_default()),
                prose(parameter["description"].as_str().unwrap_or_default())
            ));
        }
        let body = &value["requestBody"]["content"]["application/json"]["schema"];
        if !body.is_null() {
            self.raw(&format!("<p>Takes {}</p>", kind(body)));
        }
        self.raw("<table><tr><th>Status</th><th>When</th><th>Body</th></tr>");
        for (status, response) in entries(&value["responses"]) {
            let schema = &response["content"]["application/json"]["schema"];
            let body = if schema.is_null() {
                String::new()
            } else {
                kind(schema)
            };
            self.raw(&format!(
                "<tr><td>{}</td><td>{}</td><td>{body}</td></tr>",
                escape(status),
                prose(response["description"].as_str().unwrap_or_default())
            ));
        }
        self.raw("</table></section>");
    }

    fn shape(&mut self, name: &str, shape: &Value) {
        self.raw(&format!(
            "<section id=\"shape-{0}\"><h3>{0}</h3>",
            escape(name)
        ));
        if shape["description"].is_string() {
            self.paragraphs(&shape["description"]);
        }
        if let Some(words) = shape["enum"].as_array() {
            let words: Vec<_> = words.iter().filter_map(Value::as_str).map(escape).collect();
            self.raw(&format!(
                "<p>One of <code>{}</code></p>",
                words.join("</code>, <code>")
            ));
        }
        let parts = shape["allOf"].as_array();
        let objects: Vec<&Value> = match parts {
            Some(parts) => parts.iter().collect(),
            None => vec![shape],
        };
        for object in objects {
            if object["$ref"].is_string() {
                self.raw(&format!("<p>All of {}, and</p>", kind(object)));
            }
            self.fields(object);
        }
        self.raw("</section>");
    }

    fn fields(&mut self, object: &Value) {
        if entries(&object["properties"]).next().is_none() {
            return;
        }
        let required: Vec<&str> = object["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        self.raw("<table><tr><th>Field</th><th>Type</th><th>What it is</th></tr>");
        for (name, field) in entries(&object["properties"]) {
            let may_lack = match required.contains(&name.as_str()) {
                true => "",
                false => " <i>may be missing</i>",
            };
            self.raw(&format!(
                "<tr><td><code>{}</code>{may_lack}</td><td>{}</td><td>{}</td></tr>",
                escape(name),
                kind(field),
                prose(field["description"].as_str().unwrap_or_default())
            ));
        }
        self.raw("</table>");
    }
}

/// The type of a value, in words and links.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        let name = escape(name.rsplit('/').next().unwrap_or_default());
        return format!("<a href=\"#shape-{name}\">{name}</a>");
    }
    if let Some(one_of) = schema["oneOf"].as_array() {
        let kinds: Vec<_> = one_of.iter().map(kind).collect();
        return kinds.join(" or ");
    }
    if schema["type"] == "array" {
        return format!("list of {}", kind(&schema["items"]));
    }
    match &schema["type"] {
        Value::String(name) => escape(name),
        Value::Array(names) => {
            let names: Vec<_> = names.iter().filter_map(Value::as_str).map(escape).collect();
            names.join(" or ")
        }
        _ => "anything".to_owned(),
    }
}

/// Text with `code` in backticks.
fn prose(text: &str) -> String {
    let mut html = String::new();
    for (n, part) in text.split('`').enumerate() {
        let _ = match n % 2 {
            0 => write!(html, "{}", escape(part)),
            _ => write!(html, "<code>{}</code>", escape(part)),
        };
    }
    html
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_everything_and_nothing_from_elsewhere() {
        let document = super::super::endpoints().into_openapi();
        let page = write(&document);
        for operation in operations(&serde_json::to_value(&document).unwrap()) {
            assert!(page.contains(&format!("id=\"{}\"", operation.anchor())));
        }
        for foreign in ["<script", "style=", "http://", "<style", "<img"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn text_is_text() {
        assert_eq!(
            prose("a `<b>` & \"c\""),
            "a <code>&lt;b&gt;</code> &amp; &quot;c&quot;"
        );
    }
}
