//! A store that does not answer: new work is refused clearly, and whoever is in a call gets back.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod account_support;
#[path = "postgres_support/mod.rs"]
mod postgres;
mod web_support;

use account_support::*;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection};
use web_support::Server;

#[test]
fn accounts_are_the_same_on_postgresql() {
    let url = postgres::fresh_database();
    let server = Server::start_with(&["--store".to_owned(), url]);
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let user = id(&server, &mut ben);
    ada.good(
        &server,
        "PUT",
        &format!("/api/v1/contacts/{user}"),
        json!({}),
    );
    let found = ada.good(&server, "GET", "/api/v1/people?query=BEN", Value::Null);
    assert_eq!(
        (&found[0]["login"], &found[0]["contact"]),
        (&json!("ben"), &json!(true))
    );
    let change = json!({ "closed": true });
    ada.good(
        &server,
        "PATCH",
        &format!("/api/v1/admin/users/{user}"),
        change,
    );
    assert_eq!(ben.get(&server, "/api/v1/me").status, 401);
    let settings = json!({ "guests": false });
    ada.good(&server, "PATCH", "/api/v1/admin/settings", settings);
    assert_eq!(
        Browser::new()
            .post(&server, "/api/v1/tickets", json!({}))
            .status,
        403
    );
    ada.good(&server, "POST", "/api/v1/tickets", Value::Null);
}

#[test]
fn while_the_store_does_not_answer_who_is_known_gets_back_into_calls() {
    let url = postgres::fresh_database();
    let server = Server::start_with(&["--store".to_owned(), url.clone()]);
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let mut guest = Browser::new();
    ada.good(&server, "POST", "/api/v1/tickets", Value::Null);
    guest.good(&server, "POST", "/api/v1/tickets", Value::Null);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let rename = |tables: &[(&'static str, &'static str)]| {
        runtime.block_on(async {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            for (from, to) in tables {
                let sql = format!("ALTER TABLE {from} RENAME TO {to}");
                connection.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
            }
        });
    };
    rename(&[("logins", "logins_away"), ("settings", "settings_away")]);
    ada.good(&server, "POST", "/api/v1/tickets", Value::Null);
    guest.good(&server, "POST", "/api/v1/tickets", Value::Null);
    let answers = [
        ben.post(&server, "/api/v1/tickets", json!({})), // Never had one.
        ada.get(&server, "/api/v1/me"),
        Browser::new().login(&server, "ada", PASSWORD),
        Browser::new().get(&server, "/api/v1/server"),
    ];
    for answer in answers {
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(answer.json()["code"], "unavailable");
        assert!(answer.header("retry-after").is_some());
        assert_eq!(answer.set_cookie, None, "nobody is signed out by it");
    }
    rename(&[("logins_away", "logins"), ("settings_away", "settings")]);
    assert_eq!(ben.me(&server)["login"], "ben");
    assert_eq!(Browser::new().login(&server, "ada", PASSWORD).status, 200);
}
