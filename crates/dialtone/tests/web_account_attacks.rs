//! Accounts against those who guess, forge, race and send rubbish.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod account_support;
mod tls_support;
mod web_support;

use std::time::{Duration, Instant};

use account_support::*;
use serde_json::{Value, json};
use tls_support::{Identity, converse};
use web_support::{Answer, Server};

fn host(server: &Server) -> String {
    format!("localhost:{}", server.http.port())
}

/// A request with the usual headers, but for these.
fn raw(server: &Server, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut all = vec![
        ("Host", host(server)),
        ("Content-Type", "application/json".to_owned()),
    ];
    for (name, value) in headers {
        all.retain(|(usual, _)| usual != name);
        all.push((*name, (*value).to_owned()));
    }
    send(server, method, path, &all, body)
}

#[test]
fn nobody_learns_by_the_answer_which_names_exist() {
    let server = Server::start();
    admin(&server);
    let answer = |name: &str| {
        let answer = Browser::new().login(&server, name, "a wrong password");
        let date = answer.header("date").unwrap_or_default().to_owned();
        (answer.status, answer.head.replace(&date, ""), answer.body)
    };
    let exists = answer("ada");
    assert_eq!(exists.0, 401);
    for name in ["nobody", "", "not a name", "ADA2", &"x".repeat(5000)] {
        assert_eq!(answer(name), exists, "{name:?}");
    }
}

#[test]
fn nobody_learns_by_the_time_which_names_exist() {
    let server = Server::start();
    admin(&server);
    let time = |name: &str| {
        let begun = Instant::now();
        let answer = Browser::new().login(&server, name, "a wrong password");
        (answer.status == 401).then(|| begun.elapsed())
    };
    let (mut exists, mut nobody) = (Vec::new(), Vec::new());
    // As many as are free: one pair for each name, all from one address.
    for n in 0..4 {
        exists.extend(time("ada"));
        nobody.extend(time(&format!("nobody{}", n % 2)));
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    let (exists, nobody) = (median(&mut exists), median(&mut nobody));
    assert!(
        exists < nobody * 3 && nobody < exists * 3,
        "{exists:?} {nobody:?}"
    );
    // And it is the hashing that takes the time: an answer without it is far quicker.
    let begun = Instant::now();
    Browser::new().get(&server, "/api/v1/me");
    assert!(begun.elapsed() * 2 < nobody, "{nobody:?}");
}

#[test]
fn guessing_is_slowed_down_and_the_owner_is_not_locked_out() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut owner = Browser::new();
    assert_eq!(owner.login(&server, "ada", PASSWORD).status, 200);
    let mut wrong = 0;
    let refused = loop {
        let answer = Browser::new().login(&server, "ada", "a wrong password");
        match answer.status {
            401 => wrong += 1,
            _ => break answer,
        }
        assert!(wrong < 50);
    };
    assert_eq!(
        (refused.status, refused.json()["code"].as_str()),
        (429, Some("limit"))
    );
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=4).contains(&wait), "{wait}");
    // Not even the right password helps before, and then it does.
    assert_eq!(Browser::new().login(&server, "ada", PASSWORD).status, 429);
    std::thread::sleep(Duration::from_secs(wait));
    assert_eq!(Browser::new().login(&server, "ada", PASSWORD).status, 200);
    assert_eq!(
        ada.me(&server)["login"],
        "ada",
        "who is signed in notices nothing"
    );
    // Names that do not exist are slowed down as well, or they would stand out.
    let statuses: Vec<u16> = (0..10)
        .map(|_| {
            Browser::new()
                .login(&server, "nobody", "a wrong password")
                .status
        })
        .collect();
    assert_eq!(
        statuses.iter().filter(|status| **status == 401).count(),
        wrong
    );
}

#[test]
fn many_guesses_at_once_are_no_more_than_one_after_another() {
    let server = Server::start();
    admin(&server);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let guess = || {
            Browser::new()
                .login(&server, "ada", "a wrong password")
                .status
        };
        let all: Vec<_> = (0..40).map(|_| scope.spawn(guess)).collect();
        all.into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let tried = statuses.iter().filter(|status| **status == 401).count();
    assert!(tried <= 5, "{statuses:?}");
    assert_eq!(server.get("/api/v1/health").status, 200);
}

#[test]
fn other_sites_cannot_act_for_who_is_signed_in() {
    let server = Server::start();
    let mut ada = admin(&server);
    let cookie = ada.cookie.clone().unwrap();
    let own = format!("http://{}", host(&server));
    let change = |headers: &[(&str, &str)]| {
        let headers = [&[("Cookie", &*cookie)], headers].concat();
        raw(
            &server,
            "PATCH",
            "/api/v1/me",
            &headers,
            b"{\"name\":\"Mallory\"}",
        )
    };
    for origin in [
        "http://evil.example",
        "null",
        "http://localhost:1",
        "https://localhost.evil.example",
    ] {
        let answer = change(&[("Origin", origin)]);
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (403, &json!("foreign_origin"))
        );
    }
    for site in ["cross-site", "same-site", "x"] {
        assert_eq!(change(&[("Sec-Fetch-Site", site)]).status, 403, "{site}");
        assert_eq!(
            change(&[("Sec-Fetch-Site", site), ("Origin", &own)]).status,
            403
        );
    }
    // What a form can send without asking is not JSON, or does not say so.
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "",
    ] {
        let answer = change(&[("Origin", &own), ("Content-Type", kind)]);
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (415, &json!("not_json")),
            "{kind}"
        );
    }
    for path in [
        "/api/v1/logout",
        "/api/v1/tickets",
        "/api/v1/login",
        "/api/v1/accounts",
    ] {
        let headers = [("Cookie", &*cookie), ("Origin", "http://evil.example")];
        assert_eq!(
            raw(&server, "POST", path, &headers, b"{}").status,
            403,
            "{path}"
        );
    }
    let answer = raw(
        &server,
        "GET",
        "/api/v1/me",
        &[("Cookie", &cookie), ("Origin", "http://evil.example")],
        b"",
    );
    assert_eq!(
        answer.header("access-control-allow-origin"),
        None,
        "no other site can read it"
    );
    assert_eq!(ada.me(&server)["name"], "Ada");
    assert_eq!(
        change(&[("Origin", &own), ("Sec-Fetch-Site", "same-origin")]).status,
        200
    );
}

#[test]
fn a_rebound_name_reaches_nothing() {
    let server = Server::start();
    let ada = admin(&server);
    let cookie = ada.cookie.unwrap();
    for path in [
        "/api/v1/me",
        "/api/v1/server",
        "/api",
        "/api/v1/openapi.json",
    ] {
        let headers = [("Host", "evil.example"), ("Cookie", &*cookie)];
        let answer = raw(&server, "GET", path, &headers, b"");
        assert_eq!(answer.status, 421, "{path}");
        assert!(!answer.body.contains("ada"));
    }
}

#[test]
fn an_invitation_makes_one_account_however_many_hurry() {
    let server = Server::start();
    let mut ada = admin(&server);
    let token = invite(&server, &mut ada, "member");
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..16)
            .map(|n| {
                let body = json!({
                    "token": token, "login": format!("user{n}"), "name": "X", "password": PASSWORD,
                });
                let server = &server;
                scope.spawn(move || Browser::new().post(server, "/api/v1/accounts", body).status)
            })
            .collect();
        all.into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let made = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(made, 1, "{statuses:?}");
    assert!(
        statuses.iter().all(|status| [200, 404].contains(status)),
        "{statuses:?}"
    );
    let users = ada.good(&server, "GET", "/api/v1/admin/users", Value::Null);
    assert_eq!(users.as_array().unwrap().len(), 2);
}

#[test]
fn a_login_name_is_one_persons_however_many_hurry() {
    let server = Server::start();
    let mut ada = admin(&server);
    let tokens: Vec<String> = (0..6)
        .map(|_| invite(&server, &mut ada, "member"))
        .collect();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let all: Vec<_> = tokens
            .iter()
            .map(|token| {
                let body =
                    json!({ "token": token, "login": "Ben", "name": "X", "password": PASSWORD });
                let server = &server;
                scope.spawn(move || Browser::new().post(server, "/api/v1/accounts", body).status)
            })
            .collect();
        all.into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        1,
        "{statuses:?}"
    );
    assert!(
        statuses.iter().all(|status| [200, 409].contains(status)),
        "{statuses:?}"
    );
}

#[test]
fn bad_bodies_are_refused_with_a_reason() {
    let server = Server::start();
    let mut ada = admin(&server);
    let cookie = ada.cookie.clone().unwrap();
    let deep = "[".repeat(10_000);
    let secret = "my-secret-password";
    let bodies: &[(&str, u16)] = &[
        ("", 400),
        ("{", 400),
        ("[]", 400),
        ("null", 400),
        ("{\"name\":1}", 400),
        ("{\"name\":\"a\",\"name\":\"b\",\"password\":\"x\"}", 400),
        ("{\"name\":\"\\ud800\",\"password\":\"x\"}", 400),
        (&deep, 400),
        (&format!("{{\"password\":[\"{secret}\"]}}"), 400),
        (&format!("{{\"name\":\"{}\"}}", "x".repeat(20_000)), 413),
    ];
    for (body, status) in bodies {
        for path in [
            "/api/v1/login",
            "/api/v1/accounts",
            "/api/v1/invitations/look",
        ] {
            let answer = raw(&server, "POST", path, &[], body.as_bytes());
            assert_eq!(answer.status, *status, "{path} {:.60} {answer:?}", body);
            assert!(answer.json()["message"].is_string());
            assert!(!answer.body.contains(secret), "{}", answer.body);
        }
    }
    assert_eq!(
        raw(
            &server,
            "POST",
            "/api/v1/login",
            &[],
            b"{\"name\":\"\xff\"}"
        )
        .status,
        400
    );
    // Also of what takes no body: it is not read, and does no harm.
    let huge = vec![b' '; 300_000];
    let answer = raw(&server, "POST", "/api/v1/logout", &[], &huge);
    assert!([0, 204].contains(&answer.status), "{answer:?}");
    // A body that never ends does not hold anything.
    let head = format!(
        "POST /api/v1/login HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        host(&server)
    );
    let chunk = format!("{:x}\r\n{}\r\n", 4096, " ".repeat(4096)).repeat(8);
    let answer = server.raw((head + &chunk).as_bytes());
    assert_eq!(answer.status, 413, "{answer:?}");
    for cookie in [
        "dialtone_login=",
        "dialtone_login=\u{1}",
        "dialtone_login=AAAA",
        &"x=y; ".repeat(500),
    ] {
        let answer = raw(&server, "GET", "/api/v1/me", &[("Cookie", cookie)], b"");
        assert!([400, 401].contains(&answer.status), "{answer:?}");
    }
    for token in [
        "Bearer x",
        "Basic YTpi",
        "Bearer",
        &format!("Bearer dialtone_{}", "A".repeat(43)),
    ] {
        let answer = raw(
            &server,
            "GET",
            "/api/v1/me",
            &[("Authorization", token), ("Cookie", &cookie)],
            b"",
        );
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (401, &json!("unknown_token"))
        );
    }
    assert_eq!(raw(&server, "PUT", "/api/v1/me", &[], b"{}").status, 405);
    assert_eq!(ada.me(&server)["login"], "ada");
}

#[test]
fn the_cookie_is_as_strict_as_can_be_also_by_https() {
    let identity = Identity::new();
    let server = Server::start_with(&identity.flags(&["--https", "127.0.0.1:0"]));
    let https = server.https.unwrap();
    let name = format!("{}:{}", tls_support::NAME, https.port());
    let post = |path: &str, body: &Value, more: &str| {
        let body = body.to_string();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {name}\r\nOrigin: https://{name}\r\n{more}\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let mut tls = identity.client().connect(https);
        converse(&mut tls, request.as_bytes())
    };
    assert!(
        server
            .greeting
            .contains(&format!("administrator: https://{name}/welcome#"))
    );
    let account = json!({
        "token": first_token(&server), "login": "ada", "name": "Ada", "password": PASSWORD,
    });
    let answer = post("/api/v1/accounts", &account, "");
    let set = answer
        .lines()
        .find(|line| line.starts_with("set-cookie: "))
        .expect(&answer);
    assert!(
        set.starts_with("set-cookie: __Host-dialtone_login="),
        "{set}"
    );
    assert!(
        set.ends_with("; Path=/; Max-Age=7776000; HttpOnly; SameSite=Strict; Secure"),
        "{set}"
    );
    let pair = set["set-cookie: ".len()..].split(';').next().unwrap();
    let good = post(
        "/api/v1/tickets",
        &json!({}),
        &format!("Cookie: {pair}\r\n"),
    );
    assert!(good.starts_with("HTTP/1.1 200"), "{good}");
    // One without the prefix could have been set by anybody on the way: it is as if it were none.
    let slipped = pair.trim_start_matches("__Host-");
    let request = format!(
        "GET /api/v1/me HTTP/1.1\r\nHost: {name}\r\nCookie: {slipped}\r\nConnection: close\r\n\r\n"
    );
    let answer = converse(&mut identity.client().connect(https), request.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    // By plain HTTP a browser would not keep a cookie that is Secure.
    let plain = Browser::new()
        .login(&server, "ada", PASSWORD)
        .set_cookie
        .unwrap();
    assert!(plain.starts_with("dialtone_login="), "{plain}");
    assert!(
        plain.ends_with("; Path=/; Max-Age=7776000; HttpOnly; SameSite=Strict"),
        "{plain}"
    );
}

#[test]
fn no_secret_is_logged_or_kept() {
    let server = Server::start();
    let mut ada = admin(&server);
    let made = json!({ "name": "bot", "scopes": ["calls"] });
    let made = ada.good(&server, "POST", "/api/v1/tokens", made);
    let link = invite(&server, &mut ada, "member");
    let cookie = ada.cookie.clone().unwrap();
    let api_token = made["token"].as_str().unwrap();
    let secrets = [
        PASSWORD,
        cookie.split_once('=').unwrap().1,
        api_token.trim_start_matches("dialtone_"),
        &link,
    ];
    for entry in std::fs::read_dir(server.data()).unwrap() {
        let path = entry.unwrap().path();
        let Ok(bytes) = std::fs::read(&path) else {
            continue;
        };
        for secret in secrets {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds a secret", path.display());
        }
    }
}

#[test]
fn who_was_an_administrator_comes_back_by_no_link() {
    let server = Server::start();
    let mut ada = admin(&server);
    let ada_id = id(&server, &mut ada);
    for change in [json!({ "role": "member" }), json!({ "closed": true })] {
        let name = format!("ben{}", change.to_string().len());
        let mut ben = member(&server, &mut ada, &name);
        let path = format!("/api/v1/admin/users/{}", id(&server, &mut ben));
        ada.good(&server, "PATCH", &path, json!({ "role": "admin" }));
        let kept = invite(&server, &mut ada, "member");
        // Prepared while he could: another administrator, and the password of the first.
        let door = invite(&server, &mut ben, "admin");
        let reset = format!("/api/v1/admin/users/{ada_id}/reset");
        let reset = ben.good(&server, "POST", &reset, json!({}));
        let reset = token(reset["link"].as_str().unwrap());
        ada.good(&server, "PATCH", &path, change);
        let body = |token: &str| json!({ "token": token, "login": "mallory", "name": "M", "password": PASSWORD });
        for link in [&door, &reset] {
            let answer = Browser::new().post(&server, "/api/v1/accounts", body(link));
            assert_eq!(
                (answer.status, &answer.json()["code"]),
                (404, &json!("link_gone"))
            );
        }
        let look = json!({ "token": kept });
        let others = Browser::new().post(&server, "/api/v1/invitations/look", look);
        assert_eq!(others.status, 200, "what others have made stays good");
    }
    assert_eq!(ada.me(&server)["role"], "admin");
}

#[test]
fn a_new_password_leaves_nobody_in_however_they_hurry() {
    let server = Server::start();
    let mut ada = admin(&server);
    let (old, new) = (PASSWORD, "another horse");
    let thieves: Vec<Browser> = std::thread::scope(|scope| {
        // One who has the old password signs in while it is changed.
        let hurry = || {
            let mut all = Vec::new();
            loop {
                let mut thief = Browser::new();
                if thief.login(&server, "ada", old).status != 200 {
                    return all;
                }
                all.push(thief);
            }
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(hurry)).collect();
        let change = json!({ "old": old, "new": new });
        ada.good(&server, "PUT", "/api/v1/me/password", change);
        let thieves = threads.into_iter().flat_map(|one| one.join().unwrap());
        thieves.collect()
    });
    for mut thief in thieves {
        assert_eq!(thief.get(&server, "/api/v1/me").status, 401);
    }
    assert_eq!(ada.me(&server)["login"], "ada");
}
