//! Browsers and programs that use the API of a running server.

// Every test file uses another part of this.
#![allow(dead_code)]

use serde_json::{Value, json};

use crate::web_support::{Answer, Client, Server};

pub const PASSWORD: &str = "correct horse";

/// Somebody at a browser: keeps cookies, and says where it comes from.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    /// `name=value`, as it is sent back.
    pub cookie: Option<String>,
    /// An API token to be sent instead.
    pub token: Option<String>,
}

impl Browser {
    pub fn new() -> Browser {
        Browser::default()
    }

    /// A program with this API token.
    pub fn with_token(token: &str) -> Browser {
        Browser {
            cookie: None,
            token: Some(token.to_owned()),
        }
    }

    pub fn get(&mut self, server: &Server, path: &str) -> Answer {
        self.ask(server, "GET", path, None)
    }

    pub fn post(&mut self, server: &Server, path: &str, body: Value) -> Answer {
        self.ask(server, "POST", path, Some(body))
    }

    pub fn put(&mut self, server: &Server, path: &str, body: Value) -> Answer {
        self.ask(server, "PUT", path, Some(body))
    }

    pub fn patch(&mut self, server: &Server, path: &str, body: Value) -> Answer {
        self.ask(server, "PATCH", path, Some(body))
    }

    pub fn delete(&mut self, server: &Server, path: &str) -> Answer {
        self.ask(server, "DELETE", path, None)
    }

    pub fn ask(
        &mut self,
        server: &Server,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let host = format!("localhost:{}", server.http.port());
        let mut headers = vec![
            ("Host", host.clone()),
            ("Content-Type", "application/json".to_owned()),
        ];
        if method != "GET" {
            headers.push(("Origin", format!("http://{host}")));
            headers.push(("Sec-Fetch-Site", "same-origin".to_owned()));
        }
        if let Some(cookie) = &self.cookie {
            headers.push(("Cookie", cookie.clone()));
        }
        if let Some(token) = &self.token {
            headers.push(("Authorization", format!("Bearer {token}")));
        }
        let answer = send(server, method, path, &headers, body.as_bytes());
        self.keep_cookie(&answer);
        answer
    }

    fn keep_cookie(&mut self, answer: &Answer) {
        if let Some(set) = &answer.set_cookie {
            let pair = set.split(';').next().unwrap();
            self.cookie = (!pair.ends_with('=')).then(|| pair.to_owned());
        }
    }

    /// The answer's JSON, after it was good.
    pub fn good(&mut self, server: &Server, method: &str, path: &str, body: Value) -> Value {
        let body = (!body.is_null()).then_some(body);
        let answer = self.ask(server, method, path, body);
        assert!(
            (200..300).contains(&answer.status),
            "{method} {path}: {answer:?}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        match answer.body.is_empty() {
            true => Value::Null,
            false => answer.json(),
        }
    }

    /// A ticket for a socket of this browser.
    pub fn ticket(&mut self, server: &Server) -> String {
        let shown = self.good(server, "POST", "/api/v1/tickets", Value::Null);
        shown["ticket"].as_str().unwrap().to_owned()
    }

    /// A session of this browser, with the device of this number.
    pub async fn connect(&mut self, server: &Server, device: u8) -> Client {
        let client = Client::open(server).await;
        let ticket = self.ticket(server);
        client.into_session_with(&ticket, device).await
    }

    pub fn me(&mut self, server: &Server) -> Value {
        self.good(server, "GET", "/api/v1/me", Value::Null)
    }

    pub fn login(&mut self, server: &Server, name: &str, password: &str) -> Answer {
        let body = json!({ "name": name, "password": password });
        self.post(server, "/api/v1/login", body)
    }
}

/// Sends a request with exactly these headers, and what HTTP needs.
pub fn send(
    server: &Server,
    method: &str,
    path: &str,
    headers: &[(&str, String)],
    body: &[u8],
) -> Answer {
    let mut text = format!(
        "{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    let mut bytes = (text + "\r\n").into_bytes();
    bytes.extend_from_slice(body);
    server.raw(&bytes)
}

/// The secret in a one-time link.
pub fn token(link: &str) -> String {
    link.split_once("/welcome#")
        .expect(link)
        .1
        .trim()
        .to_owned()
}

/// The secret in the greeting's link, which makes the administrator.
pub fn first_token(server: &Server) -> String {
    let marker = "  Make yourself the administrator: ";
    let line = server
        .greeting
        .lines()
        .find(|line| line.starts_with(marker));
    token(line.expect(&server.greeting))
}

/// The administrator, ada, signed in.
pub fn admin(server: &Server) -> Browser {
    let mut ada = Browser::new();
    let body = json!({
        "token": first_token(server), "login": "ada", "name": "Ada", "password": PASSWORD,
    });
    ada.good(server, "POST", "/api/v1/accounts", body);
    ada
}

/// An invitation's secret.
pub fn invite(server: &Server, admin: &mut Browser, role: &str) -> String {
    let body = json!({ "role": role, "expires_in_h": 1 });
    let made = admin.good(server, "POST", "/api/v1/admin/invitations", body);
    token(made["link"].as_str().unwrap())
}

/// A new member, signed in.
pub fn member(server: &Server, admin: &mut Browser, login: &str) -> Browser {
    let token = invite(server, admin, "member");
    let mut browser = Browser::new();
    let name = login[..1].to_uppercase() + &login[1..];
    let body = json!({ "token": token, "login": login, "name": name, "password": PASSWORD });
    browser.good(server, "POST", "/api/v1/accounts", body);
    browser
}

/// The id of somebody's account.
pub fn id(server: &Server, browser: &mut Browser) -> String {
    browser.me(server)["user"].as_str().unwrap().to_owned()
}
